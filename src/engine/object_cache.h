// Objects that we stored lately, kept here because a merge will want them soon: one SQLite file, cache.db in the state
// directory. It may be deleted at any time and loses nothing.
//
// Never an error to the caller: a cache that cannot be opened, is damaged or belongs to another state database begins
// anew, and if that fails too there is none. What it gives back is what was put in or damaged: callers check the bytes
// by the file checksum that they carry. Objects go in the order in which they came when the quota is reached.
//
// Belongs to one thread. A put of a hundred small objects is one transaction, about a millisecond; nothing is synced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"
#include "sqlite/connection.h"
#include "storage/keys.h"

namespace engine {

struct CachedObject {
  std::string_view client_id;
  storage::LtxName name;
  base::Bytes bytes;
};

class ObjectCache {
 public:
  static constexpr std::uint64_t kObjectBytesMax = 1U << 20;  // larger ones are read from the bucket when needed

  struct Counts {
    std::uint64_t hits = 0, misses = 0;
  };

  // `owner` is what state database and bucket the objects belong to: a file with another owner is thrown away.
  // Quota 0: no cache.
  ObjectCache(std::filesystem::path file, std::string owner, std::uint64_t quota_bytes);

  // An object of the same name goes: after a bucket lost some, a TXID may be stored a second time (decision 0020).
  void put(std::span<const CachedObject> objects);
  std::optional<base::Bytes> get(std::string_view client_id, const storage::LtxName& name);
  void drop(std::string_view client_id, std::span<const storage::LtxName> names);
  // All of the client's.
  void drop(std::string_view client_id);

  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  base::Result<> open();
  base::Result<> try_put(std::span<const CachedObject> objects);
  base::Result<> make_room();
  base::Result<std::optional<base::Bytes>> try_get(std::string_view client_id, const storage::LtxName& name);
  base::Result<> try_drop(std::string_view client_id, std::span<const storage::LtxName> names);
  base::Result<> try_drop_all(std::string_view client_id);
  base::Result<> remove(std::string_view client_id, const storage::LtxName& name);
  void begin_anew();
  void check(const base::Result<>& result);

  std::filesystem::path file_;
  std::string owner_;
  std::uint64_t quota_;
  std::optional<sqlite::Connection> connection_;  // none: there is no cache
  std::uint64_t size_ = 0;
  Counts counts_;
};

}  // namespace engine
