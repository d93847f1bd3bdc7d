// Reads one LTX file from a source, page after page, in constant memory, checking every rule of the format on the way
// (docs/formats/ltx.md): header, ascending pages, one whole page per block or frame, index equal to the pages seen,
// file checksum, nothing after the trailer, a snapshot's post-apply checksum. Both page encodings, also mixed. Single
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/checksum.h"
#include "ltx/header.h"

namespace ltx {

// Fills as much of `out` as it can and returns the count; 0 means end of file. Errors are passed on.
using Source = std::function<base::Result<std::size_t>(base::MutableByteView out)>;
Source memory_source(base::ByteView bytes);  // `bytes` must outlive the source

struct Trailer {
  std::uint64_t post_apply_checksum = 0;
  std::uint64_t file_checksum = 0;
};

struct PageView {
  std::uint32_t page_number;
  base::ByteView data;  // valid until the next call
};

class Decoder {
 public:
  explicit Decoder(Source source);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // First call. Category::corrupt says which rule is broken.
  base::Result<Header> read_header();
  // The next page, nullopt after the last one.
  base::Result<std::optional<PageView>> next_page();
  // After the last page: index, trailer, checksums, end of file. A file is good only if this succeeds.
  base::Result<Trailer> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Index entry of one page: `size` bytes from `offset` are its whole frame, header included.
struct PageIndexEntry {
  std::uint32_t page_number;
  std::uint64_t offset;
  std::uint64_t size;
  friend bool operator==(const PageIndexEntry&, const PageIndexEntry&) = default;
};

// Random access: parses the page index out of the last bytes of a file. `tail` ends at the end of the file.
// not-enough-bytes is reported by `needed_tail_bytes` > tail.size() and an empty vector.
struct PageIndex {
  std::vector<PageIndexEntry> entries;
  std::uint64_t needed_tail_bytes = 0;
  Trailer trailer;
};
base::Result<PageIndex> parse_page_index(base::ByteView tail, std::uint64_t file_size);
// One page frame as the index points at it, either encoding.
base::Result<> decode_page_frame(base::ByteView frame, std::uint32_t expected_page_number, base::MutableByteView page);

// The page frame at the start of `bytes`, either encoding, where others may follow: for a run of frames that was cut
// out of a file. corrupt also where the run ends inside the frame.
struct LeadingPageFrame {
  std::uint32_t page_number = 0;
  std::size_t size = 0;  // bytes of the frame
};
base::Result<LeadingPageFrame> decode_leading_page_frame(base::ByteView bytes, base::MutableByteView page);

}  // namespace ltx
