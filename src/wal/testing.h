// For tests only: logs and index headers as SQLite would write them, byte by byte, in either byte order.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "wal/frames.h"
#include "wal/index.h"

namespace wal::testing {

struct FrameSpec {
  std::uint32_t page_number = 0;
  std::uint32_t commit_page_count = 0;
  char fill = 0;
};

inline base::Bytes make_log(std::uint32_t page_size, bool big_endian, Salts salts,
                            const std::vector<FrameSpec>& frames) {
  base::Bytes log(kHeaderBytes);
  base::store_be32(log.data(), big_endian ? 0x377f0683 : 0x377f0682);
  base::store_be32(log.data() + 4, 3007000);
  base::store_be32(log.data() + 8, page_size);
  base::store_be32(log.data() + 12, 1);
  base::store_be32(log.data() + 16, salts.first);
  base::store_be32(log.data() + 20, salts.second);
  Checksum sum = extend({}, base::ByteView(log).first(24), big_endian);
  base::store_be32(log.data() + 24, sum.first);
  base::store_be32(log.data() + 28, sum.second);
  for (const FrameSpec& spec : frames) {
    base::Bytes frame(kFrameHeaderBytes + page_size, static_cast<std::uint8_t>(spec.fill));
    base::store_be32(frame.data(), spec.page_number);
    base::store_be32(frame.data() + 4, spec.commit_page_count);
    base::store_be32(frame.data() + 8, salts.first);
    base::store_be32(frame.data() + 12, salts.second);
    sum = extend(sum, base::ByteView(frame).first(8), big_endian);
    sum = extend(sum, base::ByteView(frame).subspan(kFrameHeaderBytes), big_endian);
    base::store_be32(frame.data() + 16, sum.first);
    base::store_be32(frame.data() + 20, sum.second);
    log.insert(log.end(), frame.begin(), frame.end());
  }
  return log;
}

inline void store_native32(std::uint8_t* p, std::uint32_t value) {
  std::memcpy(p, &value, sizeof value);
}

// Puts the right checksum into copy 1 and repeats it as copy 2.
inline void seal_index(base::Bytes& index) {
  constexpr bool kHostIsBigEndian = std::endian::native == std::endian::big;
  const Checksum sum = extend({}, base::ByteView(index).first(40), kHostIsBigEndian);
  store_native32(index.data() + 40, sum.first);
  store_native32(index.data() + 44, sum.second);
  std::memcpy(index.data() + 48, index.data(), 48);
}

}  // namespace wal::testing
