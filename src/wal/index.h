// The wal-index (X.db-shm) as bytes. Native byte order. Offsets:
//
//     0..47   header, copy 1 (48..95 copy 2): version@0, change counter (iChange)@8, isInit@12, big-endian
//     checksums@13,
//             page size@14 (u16, 1 = 65536), mxFrame@16, nPage@20, checksum of frame mxFrame@24/28, salts@32/36,
//             header checksum@40/44
//     96      nBackfill: frames already copied into the database
//     100..119 read marks 0 to 4 (0xffffffff: unused)
//
// Source: SQLite's wal.c. Pure: takes bytes, opens nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace wal {

inline constexpr std::size_t kIndexHeaderBytes = 136;  // what a look reads
inline constexpr std::uint32_t kUnusedReadMark = 0xffffffff;

struct Salts {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  friend bool operator==(const Salts&, const Salts&) = default;
};

// Running checksum of WAL header and frames.
struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  friend bool operator==(const Checksum&, const Checksum&) = default;
};

struct IndexHeader {
  std::uint32_t change_counter = 0;  // +1 per committed transaction; restarts at 0 when the index is rebuilt
  bool big_endian_checksums = false;
  std::uint32_t page_size = 0;
  std::uint32_t max_frame = 0;   // frames 1..max_frame are committed; 0: empty log, salts provisional
  std::uint32_t page_count = 0;  // database size in pages after max_frame
  Checksum frame_checksum;       // at max_frame
  Salts salts;
  std::uint32_t backfilled = 0;  // outside the checksummed header; may be stale by a moment
  std::array<std::uint32_t, 5> read_marks{};

  // The part that the index's own checksum covers.
  [[nodiscard]] bool same_commit(const IndexHeader& other) const {
    return change_counter == other.change_counter && page_size == other.page_size && max_frame == other.max_frame &&
           page_count == other.page_count && frame_checksum == other.frame_checksum && salts == other.salts;
  }
};

// nullopt: the copies differ, the checksum is wrong, it is not initialised, or the version is unknown. Try again a
// moment later; conclude nothing.
std::optional<IndexHeader> parse_index(base::ByteView bytes);

}  // namespace wal
