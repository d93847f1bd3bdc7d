// CRC-64/GO-ISO and the two checksums that LTX makes of it. Bit 63 is set in every stored checksum, so 0 means absent.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace ltx {

// CRC-64/GO-ISO (reflected polynomial 0xD800000000000000, init and xorout all ones): "123456789" gives
// b90956c775a41001. About 17 GB/s by isa-l.
class Crc64 {
 public:
  void update(base::ByteView bytes);
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

// kChecksumFlag | CRC(page number as 4 big-endian bytes, then the page).
std::uint64_t page_checksum(std::uint32_t page_number, base::ByteView page);

// The rolling database checksum: flag | XOR of all page checksums except the lock page's. Order-free; toggle() both
// adds and takes away. Empty database: the flag alone.
class DatabaseChecksum {
 public:
  DatabaseChecksum() = default;
  explicit DatabaseChecksum(std::uint64_t stored) : value_(stored | (1ULL << 63)) {}
  // 0 is "no such page" and changes nothing.
  void toggle(std::uint64_t page_checksum) { value_ = (1ULL << 63) | (value_ ^ page_checksum); }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 1ULL << 63;
};

}  // namespace ltx
