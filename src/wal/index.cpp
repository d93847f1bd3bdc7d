#include "wal/index.h"

#include <algorithm>
#include <bit>

#include "wal/frames.h"

namespace wal {

namespace {

constexpr std::uint32_t kVersion = 3007000;
constexpr std::size_t kCopyBytes = 48;
constexpr std::size_t kChecksummedBytes = 40;

// 65536 does not fit into 16 bits and is written as 1.
std::uint32_t page_size_of(std::uint16_t stored) {
  return stored == 1 ? 65536 : stored;
}

}  // namespace

std::optional<IndexHeader> parse_index(base::ByteView bytes) {
  if (bytes.size() < kIndexHeaderBytes) return std::nullopt;
  const std::uint8_t* p = bytes.data();
  if (!std::ranges::equal(bytes.first(kCopyBytes), bytes.subspan(kCopyBytes, kCopyBytes))) return std::nullopt;
  const std::uint8_t is_init = p[12];
  if (is_init == 0 || base::load_native32(p) != kVersion) return std::nullopt;
  constexpr bool kHostIsBigEndian = std::endian::native == std::endian::big;
  const Checksum expected{base::load_native32(p + 40), base::load_native32(p + 44)};
  if (extend({}, bytes.first(kChecksummedBytes), kHostIsBigEndian) != expected) return std::nullopt;

  IndexHeader header;
  header.change_counter = base::load_native32(p + 8);
  header.big_endian_checksums = p[13] != 0;
  header.page_size = page_size_of(base::load_native16(p + 14));
  header.max_frame = base::load_native32(p + 16);
  // An index that nobody has committed through yet knows no page size.
  if (!is_page_size(header.page_size) && (header.page_size != 0 || header.max_frame != 0)) return std::nullopt;
  header.page_count = base::load_native32(p + 20);
  header.frame_checksum = {base::load_native32(p + 24), base::load_native32(p + 28)};
  // The salts are copied from the log as bytes, so they alone are big-endian here.
  header.salts = {base::load_be32(p + 32), base::load_be32(p + 36)};
  header.backfilled = base::load_native32(p + 96);
  for (std::size_t i = 0; i < header.read_marks.size(); ++i) {
    header.read_marks[i] = base::load_native32(p + 100 + 4 * i);
  }
  return header;
}

}  // namespace wal
