#include "ltx/checksum.h"

#include <isa-l/crc64.h>

#include "ltx/header.h"

namespace ltx {

// isa-l inverts its `init_crc` before and the result after the loop, which is the all-ones init and xorout of the
// standard; so a returned value is itself the start value for the bytes that follow.
void Crc64::update(base::ByteView bytes) {
  value_ = crc64_iso_refl(value_, bytes.data(), bytes.size());
}

std::uint64_t page_checksum(std::uint32_t page_number, base::ByteView page) {
  std::array<std::uint8_t, 4> number;
  base::store_be32(number.data(), page_number);
  Crc64 crc;
  crc.update(number);
  crc.update(page);
  return kChecksumFlag | crc.value();
}

}  // namespace ltx
