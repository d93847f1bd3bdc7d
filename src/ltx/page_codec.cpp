#include "ltx/page_codec.h"

#include <fmt/format.h>
#include <lz4.h>

#include "base/check.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"

namespace ltx {
namespace {

std::unexpected<base::Error> corrupt(std::string what) {
  return base::fail(base::Category::corrupt, "LTX page: " + std::move(what));
}

const char* chars(base::ByteView bytes) {
  return reinterpret_cast<const char*>(bytes.data());
}

}  // namespace

std::size_t max_block_bytes(std::size_t page_size) {
  return static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(page_size)));
}

base::Result<PageHeader> decode_page_header(base::ByteView bytes) {
  const std::uint32_t number = base::load_be32(bytes.data());
  const std::uint16_t flags = base::load_be16(bytes.data() + 4);
  if ((flags & ~kPageFlagBlock) != 0) return corrupt(fmt::format("unknown page flags {:#06x}", flags));
  if (number == 0 && flags != 0) return corrupt("page number 0 with page flags");
  return PageHeader{.page_number = number, .is_block = flags == kPageFlagBlock};
}

std::array<std::uint8_t, kPageHeaderSize> encode_page_header(const PageHeader& header) {
  std::array<std::uint8_t, kPageHeaderSize> bytes{};
  base::store_be32(bytes.data(), header.page_number);
  bytes[5] = header.is_block ? kPageFlagBlock : 0;
  return bytes;
}

base::Result<> check_block_size(std::uint32_t size, std::size_t page_size) {
  if (size == 0 || size > max_block_bytes(page_size)) {
    return corrupt(fmt::format("compressed size {} is impossible for a page of {} bytes", size, page_size));
  }
  return {};
}

void compress_page(base::ByteView page, base::Bytes& out) {
  out.resize(max_block_bytes(page.size()));
  const int size = LZ4_compress_default(chars(page), reinterpret_cast<char*>(out.data()), static_cast<int>(page.size()),
                                        static_cast<int>(out.size()));
  CHECK(size > 0);  // cannot fail with room for the worst case
  out.resize(static_cast<std::size_t>(size));
}

base::Result<> decompress_page(base::ByteView block, base::MutableByteView page) {
  TRY(check_block_size(static_cast<std::uint32_t>(std::min<std::size_t>(block.size(), UINT32_MAX)), page.size()));
  const int size = LZ4_decompress_safe(chars(block), reinterpret_cast<char*>(page.data()),
                                       static_cast<int>(block.size()), static_cast<int>(page.size()));
  if (size < 0) return corrupt("the LZ4 block is broken");
  if (static_cast<std::size_t>(size) != page.size()) {
    return corrupt(fmt::format("the LZ4 block holds {} bytes, not one page of {}", size, page.size()));
  }
  return {};
}

void compress_page_frame(base::ByteView page, base::Bytes& out) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  out.resize(LZ4F_compressFrameBound(page.size(), &preferences));
  const std::size_t size = LZ4F_compressFrame(out.data(), out.size(), page.data(), page.size(), &preferences);
  CHECK(LZ4F_isError(size) == 0);
  out.resize(size);
}

PageFrameDecoder::PageFrameDecoder() {
  LZ4F_dctx* context = nullptr;
  CHECK(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0);
  context_.reset(context);
}

void PageFrameDecoder::start(base::MutableByteView page) {
  page_ = page;
  filled_ = 0;
}

base::Result<PageFrameDecoder::Progress> PageFrameDecoder::feed(base::ByteView input) {
  Progress progress;
  while (true) {
    // One byte of room beyond the page shows a frame that holds more than a page.
    std::uint8_t excess = 0;
    const bool full = filled_ == page_.size();
    std::uint8_t* out = full ? &excess : page_.data() + filled_;
    std::size_t produced = full ? 1 : page_.size() - filled_;
    std::size_t consumed = input.size() - progress.consumed;
    const std::size_t hint =
        LZ4F_decompress(context_.get(), out, &produced, input.data() + progress.consumed, &consumed, nullptr);
    if (LZ4F_isError(hint) != 0) return corrupt(fmt::format("the LZ4 frame is broken: {}", LZ4F_getErrorName(hint)));
    if (full && produced > 0) return corrupt("the LZ4 frame holds more than one page");
    if (!full) filled_ += produced;
    progress.consumed += consumed;
    if (hint == 0) {
      if (filled_ != page_.size()) {
        return corrupt(fmt::format("the LZ4 frame holds {} bytes, not one page of {}", filled_, page_.size()));
      }
      progress.done = true;
      return progress;
    }
    if (produced == 0 && consumed == 0) return progress;  // wants more input
  }
}

base::Result<LeadingPageFrame> decode_leading_page_frame(base::ByteView bytes, base::MutableByteView page) {
  if (bytes.size() < kPageHeaderSize) return corrupt("the run of pages ends inside a page");
  TRY_ASSIGN(const PageHeader header, decode_page_header(bytes.first(kPageHeaderSize)));
  if (header.is_end_marker()) return corrupt("the end of pages is where a page should be");
  base::ByteView data = bytes.subspan(kPageHeaderSize);
  if (header.is_block) {
    if (data.size() < kBlockSizeFieldBytes) return corrupt("the run of pages ends inside a page");
    const std::uint32_t size = base::load_be32(data.data());
    data = data.subspan(kBlockSizeFieldBytes);
    if (size > data.size()) return corrupt("the run of pages ends inside a page");
    TRY(decompress_page(data.first(size), page));
    return LeadingPageFrame{header.page_number, kPageHeaderSize + kBlockSizeFieldBytes + size};
  }
  PageFrameDecoder decoder;
  decoder.start(page);
  TRY_ASSIGN(const PageFrameDecoder::Progress progress, decoder.feed(data));
  if (!progress.done) return corrupt("the run of pages ends inside a page");
  return LeadingPageFrame{header.page_number, kPageHeaderSize + progress.consumed};
}

base::Result<> decode_page_frame(base::ByteView frame, std::uint32_t expected_page_number, base::MutableByteView page) {
  if (frame.size() < kPageHeaderSize) return corrupt("frame is shorter than its header");
  TRY_ASSIGN(const PageHeader header, decode_page_header(frame.first(kPageHeaderSize)));
  if (header.page_number != expected_page_number) {
    return corrupt(fmt::format("found page {} where page {} should be", header.page_number, expected_page_number));
  }
  base::ByteView data = frame.subspan(kPageHeaderSize);
  if (header.is_block) {
    if (data.size() < kBlockSizeFieldBytes) return corrupt("frame is shorter than its header");
    if (base::load_be32(data.data()) != data.size() - kBlockSizeFieldBytes) {
      return corrupt("the size field differs from the page index");
    }
    return decompress_page(data.subspan(kBlockSizeFieldBytes), page);
  }
  PageFrameDecoder decoder;
  decoder.start(page);
  TRY_ASSIGN(const PageFrameDecoder::Progress progress, decoder.feed(data));
  if (!progress.done) return corrupt("the LZ4 frame is cut short");
  if (progress.consumed != data.size()) return corrupt("the LZ4 frame is shorter than the page index says");
  return {};
}

}  // namespace ltx
