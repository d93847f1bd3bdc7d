#include "wal/frames.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace wal {

namespace {

constexpr std::uint32_t kMagic = 0x377f0682;  // its lowest bit says which byte order the checksums are over
constexpr std::uint32_t kVersion = 3007000;

template <bool kSwap>
std::uint32_t word(const std::uint8_t* p) {
  const std::uint32_t native = base::load_native32(p);
  return kSwap ? __builtin_bswap32(native) : native;
}

// Each sum needs the other one's last value, so one addition per word is the shortest chain there is. Adding the word
// to the own sum first keeps the second addition off that chain.
template <bool kSwap>
Checksum extend_words(Checksum sum, base::ByteView bytes) {
  std::uint32_t first = sum.first;
  std::uint32_t second = sum.second;
  const auto step = [&](const std::uint8_t* p) {
    first = (first + word<kSwap>(p)) + second;
    second = (second + word<kSwap>(p + 4)) + first;
  };
  const std::uint8_t* p = bytes.data();
  const std::uint8_t* const end = p + bytes.size();
  for (; end - p >= 32; p += 32) {
    step(p);
    step(p + 8);
    step(p + 16);
    step(p + 24);
  }
  for (; p != end; p += 8) step(p);
  return {first, second};
}

}  // namespace

bool is_page_size(std::uint32_t bytes) {
  return bytes >= 512 && bytes <= 65536 && std::has_single_bit(bytes);
}

Checksum extend(Checksum seed, base::ByteView bytes, bool big_endian) {
  CHECK(bytes.size() % 8 == 0);
  constexpr bool kHostIsBigEndian = std::endian::native == std::endian::big;
  return big_endian == kHostIsBigEndian ? extend_words<false>(seed, bytes) : extend_words<true>(seed, bytes);
}

std::optional<LogHeader> parse_log_header(base::ByteView bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const std::uint8_t* p = bytes.data();
  const std::uint32_t magic = base::load_be32(p);
  if ((magic & ~1U) != kMagic || base::load_be32(p + 4) != kVersion) return std::nullopt;
  LogHeader header;
  header.big_endian_checksums = (magic & 1U) != 0;
  header.page_size = base::load_be32(p + 8);
  header.checkpoint_number = base::load_be32(p + 12);
  header.salts = {base::load_be32(p + 16), base::load_be32(p + 20)};
  header.checksum = {base::load_be32(p + 24), base::load_be32(p + 28)};
  if (!is_page_size(header.page_size)) return std::nullopt;
  if (extend({}, bytes.first(24), header.big_endian_checksums) != header.checksum) return std::nullopt;
  return header;
}

FrameHeader parse_frame_header(base::ByteView bytes) {
  CHECK(bytes.size() >= kFrameHeaderBytes);
  const std::uint8_t* p = bytes.data();
  return {.page_number = base::load_be32(p),
          .commit_page_count = base::load_be32(p + 4),
          .salts = {base::load_be32(p + 8), base::load_be32(p + 12)},
          .checksum = {base::load_be32(p + 16), base::load_be32(p + 20)}};
}

std::optional<FrameHeader> ChainWalker::next(base::ByteView frame) {
  if (frame.size() != kFrameHeaderBytes + page_size_) return std::nullopt;
  const FrameHeader header = parse_frame_header(frame);
  if (header.salts != salts_ || header.page_number == 0) return std::nullopt;
  const Checksum after_header = extend(checksum_, frame.first(8), big_endian_);
  const Checksum computed = extend(after_header, frame.subspan(kFrameHeaderBytes), big_endian_);
  if (computed != header.checksum) return std::nullopt;
  checksum_ = computed;
  behind_unsummed_ = false;
  return header;
}

std::optional<FrameHeader> ChainWalker::pass_unsummed(base::ByteView frame) {
  if (frame.size() != kFrameHeaderBytes + page_size_) return std::nullopt;
  const FrameHeader header = parse_frame_header(frame);
  const bool unsummed = header.is_unsummed();
  const bool seed = behind_unsummed_ && header.salts == salts_ && header.page_number != 0;
  if (!unsummed && !seed) return std::nullopt;
  checksum_ = header.checksum;
  behind_unsummed_ = unsummed;
  return header;
}

void CommitCounter::add(const FrameHeader& header, base::ByteView page) {
  if (!header.is_commit()) {
    last_commit_.reset();
    return;
  }
  const bool is_padding = last_commit_ && last_commit_->page_number == header.page_number &&
                          last_commit_->commit_page_count == header.commit_page_count &&
                          std::ranges::equal(last_page_, page);
  if (is_padding) return;
  ++commits_;
  last_commit_ = header;
  last_page_.assign(page.begin(), page.end());
}

}  // namespace wal
