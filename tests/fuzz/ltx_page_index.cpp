// The page index out of the last bytes of an object whose size the store tells: both come from outside, and the index
// is believed before the pages are read.
#include "fuzz.h"
#include "ltx/decoder.h"
#include "ltx/header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint64_t before_tail = input.number(4);
  const base::ByteView tail = input.rest();
  auto index = ltx::parse_page_index(tail, tail.size() + before_tail);
  if (!index) return 0;
  if (index->needed_tail_bytes > tail.size()) {
    MUST(index->entries.empty());
    MUST(index->needed_tail_bytes <= tail.size() + before_tail);
    return 0;
  }
  std::uint32_t last = 0;
  base::Bytes page(4096);
  for (const ltx::PageIndexEntry& entry : index->entries) {
    MUST(entry.page_number > last);
    last = entry.page_number;
    MUST(entry.offset >= ltx::kHeaderSize);
    MUST(entry.size <= tail.size() + before_tail && entry.offset <= tail.size() + before_tail - entry.size);
    if (entry.offset >= before_tail) {
      static_cast<void>(
          ltx::decode_page_frame(tail.subspan(entry.offset - before_tail, entry.size), entry.page_number, page));
    }
  }
  return 0;
}
