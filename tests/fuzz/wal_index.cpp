// The wal-index reader: whatever is accepted is whole, and no covered bit can change without being noticed.
#include <cstring>

#include "fuzz.h"
#include "wal/frames.h"
#include "wal/index.h"
#include "wal/testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const std::size_t bit = input.number(2);
  base::Bytes bytes(input.rest().begin(), input.rest().end());
  const bool sealed = (how & 1U) != 0 && bytes.size() >= wal::kIndexHeaderBytes;
  if (sealed) {
    wal::testing::store_native32(bytes.data(), 3007000);
    bytes[12] = 1;
    wal::testing::seal_index(bytes);
  }
  const auto header = wal::parse_index(bytes);
  if (!header) return 0;
  MUST(bytes.size() >= wal::kIndexHeaderBytes);
  MUST(std::memcmp(bytes.data(), bytes.data() + 48, 48) == 0);
  MUST(wal::is_page_size(header->page_size) || (header->page_size == 0 && header->max_frame == 0));
  // A torn copy: one covered bit differs between the two.
  base::Bytes torn = bytes;
  torn[bit / 8 % 96] = static_cast<std::uint8_t>(torn[bit / 8 % 96] ^ (1U << (bit % 8)));
  MUST(!wal::parse_index(torn));
  // Both copies changed alike without their checksum.
  base::Bytes forged = bytes;
  for (const std::size_t copy : {std::size_t{0}, std::size_t{48}}) {
    auto& changed = forged[copy + bit / 8 % 40];
    changed = static_cast<std::uint8_t>(changed ^ (1U << (bit % 8)));
  }
  MUST(!wal::parse_index(forged));
  return 0;
}
