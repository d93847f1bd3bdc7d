// The log reader: header, frames, chain, commit counter. With the first bit of the input set the checksums of a prefix
// are made right first, so that the fuzzer gets past them.
#include <algorithm>

#include "fuzz.h"
#include "wal/frames.h"

namespace {

constexpr std::size_t kFramesMax = 64;

// As a writer would have written it, from the header on, for as many whole frames as there are.
void seal(base::Bytes& log) {
  const bool big_endian = (log[3] & 1U) != 0;
  base::store_be32(log.data(), big_endian ? 0x377f0683 : 0x377f0682);
  base::store_be32(log.data() + 4, 3007000);
  std::uint32_t page_size = 512U << (log[11] % 8U);
  base::store_be32(log.data() + 8, page_size);
  wal::Checksum sum = wal::extend({}, base::ByteView(log).first(24), big_endian);
  base::store_be32(log.data() + 24, sum.first);
  base::store_be32(log.data() + 28, sum.second);
  const std::size_t frame_bytes = wal::kFrameHeaderBytes + page_size;
  for (std::size_t at = wal::kHeaderBytes; at + frame_bytes <= log.size(); at += frame_bytes) {
    std::copy_n(log.begin() + 16, 8, log.begin() + static_cast<std::ptrdiff_t>(at) + 8);
    const base::ByteView frame = base::ByteView(log).subspan(at, frame_bytes);
    sum = wal::extend(sum, frame.first(8), big_endian);
    sum = wal::extend(sum, frame.subspan(wal::kFrameHeaderBytes), big_endian);
    base::store_be32(log.data() + at + 16, sum.first);
    base::store_be32(log.data() + at + 20, sum.second);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const bool sealed = (input.byte() & 1U) != 0;
  base::Bytes log(input.rest().begin(), input.rest().end());
  if (sealed && log.size() >= wal::kHeaderBytes) seal(log);

  const auto header = wal::parse_log_header(log);
  if (sealed && log.size() >= wal::kHeaderBytes) MUST(header.has_value());
  if (!header) return 0;
  MUST(wal::is_page_size(header->page_size));
  wal::ChainWalker walker(header->salts, header->big_endian_checksums, header->page_size, header->checksum);
  wal::CommitCounter counter;
  std::uint32_t commits = 0;
  const std::size_t frame_bytes = wal::kFrameHeaderBytes + header->page_size;
  for (std::uint32_t i = 1; i <= kFramesMax; ++i) {
    const std::uint64_t at = wal::frame_offset(i, header->page_size);
    if (at + frame_bytes > log.size()) break;
    const base::ByteView bytes = base::ByteView(log).subspan(at, frame_bytes);
    const wal::Checksum before = walker.checksum();
    const auto frame = walker.next(bytes);
    // A sealed frame is refused for its page number only.
    if (!frame) {
      MUST(!sealed || base::load_be32(bytes.data()) == 0);
      MUST(walker.checksum() == before);
      break;
    }
    MUST(frame->page_number != 0);
    MUST(frame->salts == header->salts);
    MUST(frame->checksum == walker.checksum());
    counter.add(*frame, bytes.subspan(wal::kFrameHeaderBytes));
    commits += frame->is_commit() ? 1 : 0;
    MUST(counter.commits() <= commits);
  }
  return 0;
}
