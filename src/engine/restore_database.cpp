#include "engine/restore_database.h"

#include <fmt/format.h>

#include "ltx/checksum.h"

namespace engine {
namespace {

constexpr std::size_t kWriteBytes = 1U << 20;
constexpr std::uint32_t kPagesBetweenStopChecks = 1024;

// Gathers neighbouring pages into long writes.
class PageWriter {
 public:
  PageWriter(DatabaseSink& sink, std::uint32_t page_size) : sink_(sink), page_size_(page_size) {
    buffer_.reserve(kWriteBytes);
  }

  base::Result<> write(std::uint32_t page_number, base::ByteView page) {
    const std::uint64_t offset = std::uint64_t{page_number - 1} * page_size_;
    if (offset != start_ + buffer_.size() || buffer_.size() + page.size() > kWriteBytes) {
      TRY(flush());
      start_ = offset;
    }
    buffer_.insert(buffer_.end(), page.begin(), page.end());
    return {};
  }
  base::Result<> flush() {
    if (buffer_.empty()) return {};
    TRY(sink_.write_at(start_, buffer_));
    buffer_.clear();
    return {};
  }

 private:
  DatabaseSink& sink_;
  std::uint32_t page_size_;
  base::Bytes buffer_;
  std::uint64_t start_ = 0;
};

base::Result<> check_not_cancelled(const storage::CallContext& context) {
  if (context.stop.stop_requested()) return base::fail(base::Category::cancelled, "restore was stopped");
  if (context.deadline && base::system_clock().steady_now() >= *context.deadline) {
    return base::fail(base::Category::cancelled, "restore ran past its deadline");
  }
  return {};
}

std::unexpected<base::Error> missing_page(std::uint32_t page_number, std::uint32_t commit) {
  return base::fail(base::Category::corrupt,
                    fmt::format("the backup holds no page {} of a database of {} pages", page_number, commit));
}

}  // namespace

base::Result<WrittenDatabase> write_database(ltx::Merger& merger, DatabaseSink& sink,
                                             const storage::CallContext& context) {
  WrittenDatabase result;
  TRY_ASSIGN(result.header, merger.read_header());
  const ltx::Header& header = result.header;
  if (header.commit == 0) {
    return base::fail(base::Category::not_found,
                      fmt::format("the database was deleted at TXID {}", base::hex16(header.max_txid.value)));
  }
  PageWriter writer(sink, header.page_size);
  ltx::DatabaseChecksum checksum;
  std::uint32_t expected = 1;
  while (true) {
    if (expected % kPagesBetweenStopChecks == 1) TRY(check_not_cancelled(context));
    TRY_ASSIGN(const auto page, merger.next_page());
    if (!page) break;
    if (page->page_number != expected) return missing_page(expected, header.commit);
    TRY(writer.write(page->page_number, page->data));
    checksum.toggle(ltx::page_checksum(page->page_number, page->data));
    expected = ltx::page_after(expected, header.page_size);
  }
  if (expected <= header.commit) return missing_page(expected, header.commit);
  TRY(merger.finish());
  TRY(writer.flush());
  // Also makes the lock page, where it is the last one.
  TRY(sink.set_size(std::uint64_t{header.commit} * header.page_size));
  result.checksum = checksum.value();
  return result;
}

}  // namespace engine
