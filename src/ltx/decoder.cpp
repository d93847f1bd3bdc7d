#include "ltx/decoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "ltx/encoder.h"
#include "ltx/page_codec.h"
#include "ltx/trailer.h"
#include "ltx/uvarint.h"

namespace ltx {
namespace {

std::unexpected<base::Error> corrupt(std::string what) {
  return base::fail(base::Category::corrupt, "LTX file: " + std::move(what));
}

// A small read-ahead over a Source; knows its position in the file. Long reads go past the buffer.
class Reader {
 public:
  explicit Reader(Source source) : source_(std::move(source)) {}

  [[nodiscard]] std::uint64_t position() const { return position_; }

  // Fills `out`; corrupt "ends inside `part`" if the file is too short.
  base::Result<> read(base::MutableByteView out, std::string_view part) {
    while (!out.empty()) {
      if (begin_ == end_ && out.size() >= kBufferBytes) {
        TRY_ASSIGN(const std::size_t count, source_(out));
        if (count == 0) return corrupt(fmt::format("ends inside {}", part));
        position_ += count;
        out = out.subspan(count);
        continue;
      }
      TRY_ASSIGN(const base::ByteView ready, peek());
      if (ready.empty()) return corrupt(fmt::format("ends inside {}", part));
      const std::size_t count = std::min(ready.size(), out.size());
      std::ranges::copy(ready.first(count), out.begin());
      skip(count);
      out = out.subspan(count);
    }
    return {};
  }

  // What lies ahead, at least one byte; empty at the end of the file. Valid until the next call.
  base::Result<base::ByteView> peek() {
    if (begin_ == end_) {
      buffer_.resize(kBufferBytes);
      TRY_ASSIGN(end_, source_(buffer_));
      begin_ = 0;
    }
    return base::ByteView(buffer_).subspan(begin_, end_ - begin_);
  }
  void skip(std::size_t count) {
    begin_ += count;
    position_ += count;
  }

 private:
  static constexpr std::size_t kBufferBytes = 8192;  // a merge has thousands of these
  Source source_;
  base::Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace

Source memory_source(base::ByteView bytes) {
  return [rest = bytes](base::MutableByteView out) mutable -> base::Result<std::size_t> {
    const std::size_t count = std::min(rest.size(), out.size());
    std::ranges::copy(rest.first(count), out.begin());
    rest = rest.subspan(count);
    return count;
  };
}

struct Decoder::State {
  enum class Phase { header, pages, tail, finished, failed };

  explicit State(Source source) : reader(std::move(source)) {}

  base::Result<> read_page(const PageHeader& page_header);
  base::Result<> read_block();
  base::Result<> read_frame();
  base::Result<> check_order(std::uint32_t page_number) const;
  base::Result<std::optional<PageView>> next_page();
  base::Result<> read_index();
  base::Result<Trailer> finish();

  Reader reader;
  Phase phase = Phase::header;
  Header header;
  std::uint32_t last_page = 0;
  Crc64 file_crc;
  // The index is compared by length and CRC with the one that the pages seen would have, so none is kept.
  Crc64 expected_index_crc;
  std::uint64_t expected_index_bytes = 0;
  DatabaseChecksum database;  // kept only for snapshots with checksums
  base::Bytes page, compressed, scratch;
  std::optional<PageFrameDecoder> frame_decoder;
};

Decoder::Decoder(Source source) : state_(std::make_unique<State>(std::move(source))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

base::Result<Header> Decoder::read_header() {
  State& s = *state_;
  CHECK(s.phase == State::Phase::header);
  s.phase = State::Phase::failed;
  std::array<std::uint8_t, kHeaderSize> bytes;
  TRY(s.reader.read(bytes, "the header"));
  TRY_ASSIGN(s.header, decode_header(bytes));
  s.file_crc.update(bytes);
  s.page.resize(s.header.page_size);
  s.phase = State::Phase::pages;
  return s.header;
}

base::Result<std::optional<PageView>> Decoder::next_page() {
  State& s = *state_;
  CHECK(s.phase == State::Phase::pages || s.phase == State::Phase::tail);
  if (s.phase == State::Phase::tail) return std::nullopt;
  auto result = s.next_page();
  if (!result) s.phase = State::Phase::failed;
  return result;
}

base::Result<Trailer> Decoder::finish() {
  State& s = *state_;
  CHECK(s.phase == State::Phase::tail);
  auto result = s.finish();
  s.phase = result ? State::Phase::finished : State::Phase::failed;
  return result;
}

base::Result<std::optional<PageView>> Decoder::State::next_page() {
  std::array<std::uint8_t, kPageHeaderSize> bytes;
  const std::uint64_t start = reader.position();
  TRY(reader.read(bytes, "a page header"));
  file_crc.update(bytes);
  TRY_ASSIGN(const PageHeader page_header, decode_page_header(bytes));
  if (page_header.is_end_marker()) {
    phase = Phase::tail;
    return std::nullopt;
  }
  TRY(check_order(page_header.page_number));
  TRY(read_page(page_header));
  last_page = page_header.page_number;

  scratch.clear();
  append_uvarint(scratch, last_page);
  append_uvarint(scratch, start);
  append_uvarint(scratch, reader.position() - start);
  expected_index_crc.update(scratch);
  expected_index_bytes += scratch.size();
  file_crc.update(page);
  if (header.is_snapshot() && !header.no_checksum()) database.toggle(page_checksum(last_page, page));
  return PageView{last_page, page};
}

base::Result<> Decoder::State::check_order(std::uint32_t page_number) const {
  const std::uint32_t lock = lock_page(header.page_size);
  if (page_number == lock) return corrupt(fmt::format("holds the lock page {}", page_number));
  if (page_number > header.commit) {
    return corrupt(fmt::format("page {} lies above the commit size {}", page_number, header.commit));
  }
  if (page_number <= last_page) {
    return corrupt(fmt::format("page {} after page {} is not ascending", page_number, last_page));
  }
  const std::uint32_t next_in_snapshot = page_after(last_page, header.page_size);
  if (header.is_snapshot() && page_number != next_in_snapshot) {
    return corrupt(fmt::format("a snapshot without page {}", next_in_snapshot));
  }
  return {};
}

base::Result<> Decoder::State::read_page(const PageHeader& page_header) {
  const base::Result<> result = page_header.is_block ? read_block() : read_frame();
  if (result || result.error().category != base::Category::corrupt) return result;
  return base::fail(result.error().with_context(fmt::format("page {}", page_header.page_number)));
}

base::Result<> Decoder::State::read_block() {
  std::array<std::uint8_t, kBlockSizeFieldBytes> size_field;
  TRY(reader.read(size_field, "a page"));
  file_crc.update(size_field);
  const std::uint32_t size = base::load_be32(size_field.data());
  TRY(check_block_size(size, page.size()));
  compressed.resize(size);
  TRY(reader.read(compressed, "a page"));
  return decompress_page(compressed, page);
}

base::Result<> Decoder::State::read_frame() {
  if (!frame_decoder) frame_decoder.emplace();
  frame_decoder->start(page);
  while (true) {
    TRY_ASSIGN(const base::ByteView ready, reader.peek());
    if (ready.empty()) return corrupt("ends inside a page");
    TRY_ASSIGN(const PageFrameDecoder::Progress progress, frame_decoder->feed(ready));
    reader.skip(progress.consumed);
    if (progress.done) return {};
  }
}

base::Result<> Decoder::State::read_index() {
  expected_index_bytes += 1;  // terminator
  expected_index_crc.update(std::array<std::uint8_t, 1>{0});
  Crc64 index_crc;
  for (std::uint64_t left = expected_index_bytes; left > 0; left -= scratch.size()) {
    scratch.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, 4096)));
    TRY(reader.read(scratch, "the page index"));
    index_crc.update(scratch);
    file_crc.update(scratch);
  }
  std::array<std::uint8_t, 8> length;
  TRY(reader.read(length, "the page index"));
  file_crc.update(length);
  if (index_crc.value() != expected_index_crc.value()) return corrupt("the page index differs from the pages");
  if (base::load_be64(length.data()) != expected_index_bytes) return corrupt("the page index length is wrong");
  return {};
}

base::Result<Trailer> Decoder::State::finish() {
  TRY(read_index());
  std::array<std::uint8_t, kTrailerSize> bytes;
  TRY(reader.read(bytes, "the trailer"));
  file_crc.update(base::ByteView(bytes).first(8));
  const Trailer trailer{.post_apply_checksum = base::load_be64(bytes.data()),
                        .file_checksum = base::load_be64(bytes.data() + 8)};
  TRY_ASSIGN(const base::ByteView rest, reader.peek());
  if (!rest.empty()) return corrupt("bytes follow the trailer");
  if (trailer.file_checksum != (kChecksumFlag | file_crc.value())) return corrupt("the file checksum differs");
  if (const auto violation = post_apply_violation(header, trailer.post_apply_checksum)) return corrupt(*violation);
  if (header.is_snapshot() && !header.no_checksum() && trailer.post_apply_checksum != database.value()) {
    return corrupt("the post-apply checksum differs from the snapshot's pages");
  }
  return trailer;
}

}  // namespace ltx
