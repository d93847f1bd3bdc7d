// Pages captured and not stored yet: for each page number its newest content, LZ4-compressed as it will stand in the
// LTX file, and its checksum. Blocks live in memory up to a threshold, then in one spool file in the state directory,
// which is unlinked at once and so vanishes with the set. Owned by one client; one thread at a time.
//
// An image or diff may have to read the database again. What the earlier passes found stays, so that only what differs
// is compressed anew; a page counts again once this pass has put it, and every page is put or left out in every pass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "os/file.h"

namespace engine {

class PageSet {
 public:
  PageSet(const std::filesystem::path& spool_directory, std::uint64_t memory_limit_bytes)
      : spool_directory_(spool_directory.string()), memory_limit_(memory_limit_bytes) {}

  // Newest wins: replaces what is there. Category::io if the spool cannot be written (ENOSPC).
  base::Result<> put(std::uint32_t page_number, base::ByteView page, std::uint64_t checksum);
  [[nodiscard]] bool contains(std::uint32_t page_number) const { return pages_.contains(page_number); }
  // 0: it is not in the set.
  [[nodiscard]] std::uint64_t checksum_of(std::uint32_t page_number) const {
    const auto it = pages_.find(page_number);
    return it == pages_.end() ? 0 : it->second.checksum;
  }
  // From here on no page counts as put in this pass.
  void begin_pass() { ++pass_; }
  [[nodiscard]] bool put_in_this_pass(std::uint32_t page_number) const {
    const auto it = pages_.find(page_number);
    return it != pages_.end() && it->second.pass == pass_;
  }
  // Forgets pages above `page_count` (the database shrank).
  void truncate(std::uint32_t page_count);
  void clear();
  [[nodiscard]] std::uint32_t highest() const { return highest_; }  // page number ever put since clear()

  [[nodiscard]] bool empty() const { return pages_.empty(); }
  [[nodiscard]] std::size_t size() const { return pages_.size(); }
  // Compressed bytes of all current pages (what the object will hold, roughly).
  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_; }
  // Bytes of memory that the budget should count.
  [[nodiscard]] std::uint64_t memory_bytes() const;

  struct Page {
    std::uint32_t number;
    std::uint64_t checksum;
  };
  // Ascending by page number.
  [[nodiscard]] std::vector<Page> pages() const;
  // The compressed block of a page that is in the set; `out` is replaced.
  base::Result<> read_block(std::uint32_t page_number, base::Bytes& out) const;

 private:
  struct Entry {
    std::uint64_t checksum;
    std::uint64_t offset;
    std::uint32_t size;
    std::uint32_t pass;
  };
  base::Result<> spill();
  base::Result<> drop_garbage();
  base::Result<> repack_spool();
  base::Result<os::File> new_spool() const;

  std::string spool_directory_;
  std::uint64_t memory_limit_;
  std::unordered_map<std::uint32_t, Entry> pages_;
  base::Bytes memory_;         // blocks, until spilled
  os::File spool_;             // open once spilled
  std::uint64_t end_ = 0;      // bytes in memory_ or spool_
  std::uint64_t payload_ = 0;  // of which are current
  std::uint32_t highest_ = 0;
  std::uint32_t pass_ = 0;
  base::Bytes scratch_;
};

}  // namespace engine
