// What a query has read of backups, kept for the next one: page indexes and page frames in one SQLite file, pages.db in
// the directory of -cache-dir. It may be deleted at any time and loses nothing.
//
// Everything lies under the file checksum of its object, so that pages of another backup, or of a bucket that began
// anew, can never be taken for these; each blob has a checksum of its own. Frames go in the order in which they came
// when the quota is reached.
//
// Never an error to the caller: what is damaged is not there, and a shelf that stops working is empty from then on.
// Used by one thread; several processes may share the directory, and one that would have to wait for another does
// without.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/connection.h"

namespace engine {

struct ShelvedFrame {
  std::uint64_t file_checksum = 0;
  std::uint32_t page = 0;
  base::ByteView frame;
};

class PageShelf {
 public:
  // Makes the directory if it is not there, for its owner alone: it holds tenants' data.
  // io: it cannot be made or used; the message says why, and to remove pages.db where that is damaged.
  static base::Result<PageShelf> open(const std::filesystem::path& directory, std::uint64_t quota_bytes);

  // The end of a file from its page index on.
  std::optional<base::Bytes> index(std::uint64_t file_checksum);
  void keep_index(std::uint64_t file_checksum, base::ByteView tail);
  std::optional<base::Bytes> frame(std::uint64_t file_checksum, std::uint32_t page);
  // One transaction, not synced.
  void keep_frames(std::span<const ShelvedFrame> frames);

  // Why it stopped working; nullopt: it did not.
  [[nodiscard]] const std::optional<base::Error>& failure() const { return failure_; }

 private:
  PageShelf(sqlite::Connection connection, std::uint64_t quota_bytes);
  base::Result<std::optional<base::Bytes>> try_get(std::uint64_t file_checksum, std::uint32_t page);
  base::Result<> try_keep(std::span<const ShelvedFrame> frames);
  base::Result<> make_room();
  void note(const base::Error& error);

  std::optional<sqlite::Connection> connection_;  // none: it stopped working
  std::uint64_t quota_;
  std::optional<base::Error> failure_;
};

}  // namespace engine
