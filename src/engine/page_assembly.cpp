#include "engine/page_assembly.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "ltx/header.h"

namespace engine {

namespace {
constexpr std::size_t kWriteBytes = 1U << 20;
}

PageBits::PageBits(std::uint32_t pages, std::vector<std::uint64_t> words) : pages_(pages), bits_(std::move(words)) {
  bits_.resize(pages / 64 + 1);
  bits_.front() &= ~1ULL;
  const std::uint32_t used = pages % 64 + 1;
  if (used < 64) bits_.back() &= (1ULL << used) - 1;
}

std::uint64_t PageBits::count() const {
  std::uint64_t count = 0;
  for (const std::uint64_t word : bits_) count += static_cast<std::uint64_t>(std::popcount(word));
  return count;
}

PageAssembly::PageAssembly(DatabaseSink& sink, std::uint32_t page_size, std::uint32_t pages)
    : PageAssembly(sink, page_size, PageBits(pages), 0) {}

PageAssembly::PageAssembly(DatabaseSink& sink, std::uint32_t page_size, PageBits have, std::uint64_t checksum)
    : sink_(sink),
      page_size_(page_size),
      lock_page_(ltx::lock_page(page_size)),
      have_(std::move(have)),
      checksum_(checksum) {
  buffer_.reserve(kWriteBytes);
}

base::Result<> PageAssembly::take(std::uint32_t page, base::ByteView data) {
  CHECK(data.size() == page_size_);
  if (!wants(page)) return {};
  have_.set(page);
  checksum_.toggle(ltx::page_checksum(page, data));
  const std::uint64_t offset = std::uint64_t{page - 1} * page_size_;
  if (offset != buffer_offset_ + buffer_.size() || buffer_.size() + data.size() > kWriteBytes) {
    TRY(flush());
    buffer_offset_ = offset;
  }
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  return {};
}

base::Result<> PageAssembly::flush() {
  if (buffer_.empty()) return {};
  TRY(sink_.write_at(buffer_offset_, buffer_));
  buffer_.clear();
  return {};
}

base::Result<> PageAssembly::finish() {
  for (std::uint64_t page = 1; page <= have_.pages(); ++page) {
    if (wants(static_cast<std::uint32_t>(page))) {
      return base::fail(base::Category::corrupt,
                        fmt::format("the backup holds no page {} of a database of {} pages", page, have_.pages()));
    }
  }
  TRY(flush());
  // Also makes the lock page, where it is the last one.
  return sink_.set_size(std::uint64_t{have_.pages()} * page_size_);
}

}  // namespace engine
