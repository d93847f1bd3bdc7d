#include <fmt/format.h>

#include "ltx/decoder.h"
#include "ltx/page_codec.h"
#include "ltx/uvarint.h"

namespace ltx {
namespace {

constexpr std::uint64_t kIndexLengthBytes = 8;
constexpr std::uint64_t kFixedTailBytes = kIndexLengthBytes + kTrailerSize;

std::unexpected<base::Error> corrupt(std::string what) {
  return base::fail(base::Category::corrupt, "LTX page index: " + std::move(what));
}

// `index` with its terminator; entries must tile the file from the header to the end marker at `pages_end`.
base::Result<std::vector<PageIndexEntry>> parse_entries(base::ByteView index, std::uint64_t pages_end) {
  std::vector<PageIndexEntry> entries;
  std::uint64_t expected_offset = kHeaderSize;
  std::uint32_t last_page = 0;
  while (true) {
    const auto page_number = take_uvarint(index);
    if (!page_number) return corrupt("an entry is cut short");
    if (*page_number == 0) break;
    const auto offset = take_uvarint(index);
    const auto size = take_uvarint(index);
    if (!offset || !size) return corrupt("an entry is cut short");
    if (*page_number > UINT32_MAX || *page_number <= last_page) return corrupt("page numbers are not ascending");
    if (*offset != expected_offset || *size <= kPageHeaderSize || *size > pages_end - expected_offset) {
      return corrupt(fmt::format("page {} does not lie where the page before it ends", *page_number));
    }
    last_page = static_cast<std::uint32_t>(*page_number);
    expected_offset += *size;
    entries.push_back({last_page, *offset, *size});
  }
  if (!index.empty()) return corrupt("bytes follow its terminator");
  if (expected_offset != pages_end) return corrupt("it does not cover all pages");
  return entries;
}

}  // namespace

base::Result<PageIndex> parse_page_index(base::ByteView tail, std::uint64_t file_size) {
  if (file_size < kSmallestFileBytes) return corrupt(fmt::format("a file of {} bytes is too short", file_size));
  if (tail.size() > file_size)
    return base::fail(base::Category::invalid, "LTX page index: tail is longer than the file");
  PageIndex result;
  result.needed_tail_bytes = kFixedTailBytes;
  if (tail.size() < kFixedTailBytes) return result;

  const std::uint8_t* fixed = tail.data() + (tail.size() - kFixedTailBytes);
  const std::uint64_t index_bytes = base::load_be64(fixed);
  result.trailer = {.post_apply_checksum = base::load_be64(fixed + kIndexLengthBytes),
                    .file_checksum = base::load_be64(fixed + kIndexLengthBytes + 8)};
  const std::uint64_t available = file_size - kFixedTailBytes - kHeaderSize - kEndMarkerBytes;
  if (index_bytes == 0 || index_bytes > available) {
    return corrupt(fmt::format("its length {} is impossible in a file of {} bytes", index_bytes, file_size));
  }
  result.needed_tail_bytes += index_bytes;
  if (tail.size() < result.needed_tail_bytes) return result;

  const base::ByteView index =
      tail.last(static_cast<std::size_t>(result.needed_tail_bytes)).first(static_cast<std::size_t>(index_bytes));
  TRY_ASSIGN(result.entries, parse_entries(index, kHeaderSize + available - index_bytes));
  return result;
}

}  // namespace ltx
