// One page as it stands in a file, without the file around it. Module-private.
//
//   block  number(4) flags=1(2) size n(4) LZ4 block(n)
//   frame  number(4) flags=0(2) one LZ4 frame
#pragma once

#include <cstdint>
#include <memory>

#include <lz4frame.h>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/header.h"

namespace ltx {

inline constexpr std::size_t kBlockSizeFieldBytes = 4;
inline constexpr std::size_t kEndMarkerBytes = kPageHeaderSize;  // an all-zero page header

// The longest LZ4 block that a page can become. A longer size field is refused before anything is allocated.
std::size_t max_block_bytes(std::size_t page_size);

struct PageHeader {
  std::uint32_t page_number = 0;
  bool is_block = false;
  [[nodiscard]] bool is_end_marker() const { return page_number == 0; }
};
base::Result<PageHeader> decode_page_header(base::ByteView bytes);
std::array<std::uint8_t, kPageHeaderSize> encode_page_header(const PageHeader& header);

// Category::corrupt if a page of `page_size` cannot have a block of this size.
base::Result<> check_block_size(std::uint32_t size, std::size_t page_size);

// One LZ4 frame of one page; what Litestream 0.5.0 to 0.5.15 write. `out` is replaced.
void compress_page_frame(base::ByteView page, base::Bytes& out);

// Decodes one LZ4 frame that comes in pieces and never looks past its end: the next page follows without a mark.
// Reusable after each whole frame; not after an error.
class PageFrameDecoder {
 public:
  PageFrameDecoder();

  void start(base::MutableByteView page);
  struct Progress {
    std::size_t consumed = 0;
    bool done = false;
  };
  // Category::corrupt if the frame is broken or holds not exactly one page.
  base::Result<Progress> feed(base::ByteView input);

 private:
  struct Free {
    void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
  };
  std::unique_ptr<LZ4F_dctx, Free> context_;
  base::MutableByteView page_;
  std::size_t filled_ = 0;
};

}  // namespace ltx
