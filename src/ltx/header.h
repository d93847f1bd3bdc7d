// The LTX file's fixed parts, Litestream v0.5 ("v3"). All integers big-endian.
//
//   header (100) | page frame * N | end-of-pages marker (6 zero bytes) | page index | trailer (16)
//
//   off size field               off size field
//     0   4  magic "LTX1"         40   8  pre-apply checksum (0 with NoChecksum)
//     4   4  flags (0 or 2)       48   8  WAL offset, signed
//     8   4  page size            56   8  WAL size, signed
//    12   4  commit (pages)       64   4  WAL salt 1
//    16   8  min TXID             68   4  WAL salt 2
//    24   8  max TXID             72   8  node id
//    32   8  timestamp, ms        80  20  reserved: hashed by every reader, validated by none; see provenance.h
//
// Source: docs/formats/ltx.md.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"

namespace ltx {

inline constexpr std::size_t kHeaderSize = 100;
inline constexpr std::size_t kTrailerSize = 16;
inline constexpr std::size_t kPageHeaderSize = 6;
inline constexpr std::uint32_t kFlagNoChecksum = 0x2;
inline constexpr std::uint16_t kPageFlagBlock = 0x1;
inline constexpr std::uint64_t kChecksumFlag = 1ULL << 63;
inline constexpr std::uint64_t kSmallestFileBytes = 131;

struct Header {
  std::uint32_t flags = kFlagNoChecksum;
  std::uint32_t page_size = 0;  // bytes
  std::uint32_t commit = 0;     // database size in pages after this file
  base::Txid min_txid;
  base::Txid max_txid;
  base::UnixMillis timestamp{0};
  std::uint64_t pre_apply_checksum = 0;
  std::int64_t wal_offset = 0;
  std::int64_t wal_size = 0;
  std::uint32_t wal_salt1 = 0;
  std::uint32_t wal_salt2 = 0;
  std::uint64_t node_id = 0;
  std::array<std::uint8_t, 20> reserved{};

  [[nodiscard]] bool is_snapshot() const { return min_txid.value == 1; }
  [[nodiscard]] bool no_checksum() const { return (flags & kFlagNoChecksum) != 0; }
  friend bool operator==(const Header&, const Header&) = default;
};

// Every rule of the format; Category::corrupt names the field that breaks it.
base::Result<> validate(const Header& header);
// Needs at least kHeaderSize bytes; checks magic and validate().
base::Result<Header> decode_header(base::ByteView bytes);
std::array<std::uint8_t, kHeaderSize> encode_header(const Header& header);

constexpr bool is_valid_page_size(std::uint32_t bytes) {
  return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}
// The page that holds byte 0x40000000 is never in a file and in no checksum.
constexpr std::uint32_t lock_page(std::uint32_t page_size) {
  return 0x40000000U / page_size + 1;
}
// The page that follows in a complete database; after page 0 the first.
constexpr std::uint32_t page_after(std::uint32_t page_number, std::uint32_t page_size) {
  const std::uint32_t lock = lock_page(page_size);
  return page_number + 1 == lock ? lock + 1 : page_number + 1;
}

}  // namespace ltx
