// A database that is put together page by page, newest object first: the first copy of a page that comes is the one
// that counts.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/checksum.h"

namespace engine {

// One bit for each page of a database of `pages` pages.
class PageBits {
 public:
  explicit PageBits(std::uint32_t pages) : pages_(pages), bits_(pages / 64 + 1) {}
  // From words(); bits of pages that are none are dropped.
  PageBits(std::uint32_t pages, std::vector<std::uint64_t> words);
  // False for pages beyond the end.
  [[nodiscard]] bool is_missing(std::uint32_t page) const {
    return page >= 1 && page <= pages_ && (bits_[page / 64] >> (page % 64) & 1) == 0;
  }
  void set(std::uint32_t page) { bits_[page / 64] |= 1ULL << (page % 64); }
  [[nodiscard]] std::uint32_t pages() const { return pages_; }
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return bits_; }

 private:
  std::uint32_t pages_;
  std::vector<std::uint64_t> bits_;
};

// Where the pages go: an empty file. set_size() comes last and fills what was not written (the lock page) with zeros;
// set_size(0) throws away what was written.
class DatabaseSink {
 public:
  virtual ~DatabaseSink() = default;
  virtual base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) = 0;
  virtual base::Result<> set_size(std::uint64_t size_bytes) = 0;
};

// Memory: a bit per page, and one buffer of 1 MiB that makes neighbouring pages one write. One thread.
class PageAssembly {
 public:
  PageAssembly(DatabaseSink& sink, std::uint32_t page_size, std::uint32_t pages);
  // Goes on: the sink holds the pages of `have`, whose checksum is `checksum`.
  PageAssembly(DatabaseSink& sink, std::uint32_t page_size, PageBits have, std::uint64_t checksum);

  [[nodiscard]] bool wants(std::uint32_t page) const { return have_.is_missing(page) && page != lock_page_; }
  // Passes over a page that is not wanted. The sink's errors.
  base::Result<> take(std::uint32_t page, base::ByteView data);
  // What was taken is in the sink after that.
  base::Result<> flush();
  // corrupt if a page never came.
  base::Result<> finish();

  // Of the pages taken so far: after finish() the database's (ltx/checksum.h).
  [[nodiscard]] std::uint64_t checksum() const { return checksum_.value(); }
  [[nodiscard]] const PageBits& have() const { return have_; }
  [[nodiscard]] std::uint32_t page_size() const { return page_size_; }

 private:
  DatabaseSink& sink_;
  std::uint32_t page_size_;
  std::uint32_t lock_page_;
  PageBits have_;
  ltx::DatabaseChecksum checksum_;
  base::Bytes buffer_;
  std::uint64_t buffer_offset_ = 0;
};

}  // namespace engine
