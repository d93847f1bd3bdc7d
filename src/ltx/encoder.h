// Writes one LTX file to a sink, page after page, in constant memory (plus 4 to 12 bytes of index a page). Single
// thread. The calls come in order: constructor, pages ascending, finish(). A call in the wrong order or a page that
// breaks the encoder's rules (number 0, above commit, the lock page, not ascending, wrong size; a hole in a snapshot,
// also at its end) is Category::invalid and leaves the file unusable.
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/checksum.h"
#include "ltx/header.h"

namespace ltx {

// Takes the next bytes of the file; an error stops the encoder and is returned as it is.
using Sink = std::function<base::Result<>(base::ByteView)>;

enum class PageEncoding { block, frame };

// LZ4 block of one page; what add_compressed() takes. `out` is replaced. About 5.4 us per 4 KiB page.
void compress_page(base::ByteView page, base::Bytes& out);
// Category::corrupt unless the block holds exactly page.size() bytes.
base::Result<> decompress_page(base::ByteView block, base::MutableByteView page);

class Encoder {
 public:
  Encoder(const Header& header, Sink sink, PageEncoding encoding = PageEncoding::block);

  base::Result<> add_page(std::uint32_t page_number, base::ByteView page);
  // The same with a block that compress_page() made of `page` before (block encoding only).
  base::Result<> add_compressed(std::uint32_t page_number, base::ByteView block, base::ByteView page);
  // Writes marker, index and trailer. With NoChecksum `post_apply` is 0.
  base::Result<> finish(std::uint64_t post_apply = 0);
  [[nodiscard]] std::uint64_t bytes_written() const { return offset_; }

 private:
  enum class State { header, pages, finished, broken };

  template <typename Step>
  base::Result<> guarded(Step step);
  base::Result<> begin();
  base::Result<> begin_page(std::uint32_t page_number, base::ByteView page);
  base::Result<> write_page(std::uint32_t page_number, base::ByteView compressed, base::ByteView page);
  base::Result<> write_tail(std::uint64_t post_apply);
  base::Result<> emit(base::ByteView bytes);
  base::Result<> emit_hashed(base::ByteView bytes);

  Header header_;
  Sink sink_;
  PageEncoding encoding_;
  State state_ = State::header;
  Crc64 crc_;
  std::uint64_t offset_ = 0;
  std::uint32_t last_page_ = 0;
  base::Bytes index_;  // as it will stand in the file
  base::Bytes scratch_;
};

}  // namespace ltx
