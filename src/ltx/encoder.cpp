#include "ltx/encoder.h"

#include <fmt/format.h>

#include "ltx/page_codec.h"
#include "ltx/trailer.h"
#include "ltx/uvarint.h"

namespace ltx {
namespace {

std::unexpected<base::Error> invalid(std::string what) {
  return base::fail(base::Category::invalid, "LTX encoder: " + std::move(what));
}

}  // namespace

Encoder::Encoder(const Header& header, Sink sink, PageEncoding encoding)
    : header_(header), sink_(std::move(sink)), encoding_(encoding) {}

// One step of the file; a failure makes every later step fail too.
template <typename Step>
base::Result<> Encoder::guarded(Step step) {
  if (state_ == State::finished) return invalid("called after finish()");
  if (state_ == State::broken) return invalid("called after an error");
  const bool first = state_ == State::header;
  state_ = State::broken;
  if (first) TRY(begin());
  TRY(step());
  state_ = State::pages;
  return {};
}

base::Result<> Encoder::begin() {
  if (const auto valid = validate(header_); !valid) return invalid(valid.error().message);
  return emit_hashed(encode_header(header_));
}

base::Result<> Encoder::add_page(std::uint32_t page_number, base::ByteView page) {
  return guarded([&]() -> base::Result<> {
    TRY(begin_page(page_number, page));
    if (encoding_ == PageEncoding::block) {
      compress_page(page, scratch_);
    } else {
      compress_page_frame(page, scratch_);
    }
    return write_page(page_number, scratch_, page);
  });
}

base::Result<> Encoder::add_compressed(std::uint32_t page_number, base::ByteView block, base::ByteView page) {
  return guarded([&]() -> base::Result<> {
    TRY(begin_page(page_number, page));
    if (encoding_ != PageEncoding::block) return invalid("a compressed block in a file of frames");
    if (block.empty() || block.size() > max_block_bytes(page.size())) {
      return invalid(fmt::format("a block of {} bytes is no LZ4 block of one page", block.size()));
    }
    return write_page(page_number, block, page);
  });
}

base::Result<> Encoder::finish(std::uint64_t post_apply) {
  TRY(guarded([&] { return write_tail(post_apply); }));
  state_ = State::finished;
  return {};
}

base::Result<> Encoder::begin_page(std::uint32_t page_number, base::ByteView page) {
  const std::uint32_t lock = lock_page(header_.page_size);
  if (page_number == 0) return invalid("page number 0");
  if (page_number == lock) return invalid(fmt::format("page {} is the lock page", page_number));
  if (page_number > header_.commit) {
    return invalid(fmt::format("page {} lies above the commit size {}", page_number, header_.commit));
  }
  if (page_number <= last_page_) {
    return invalid(fmt::format("page {} after page {} is not ascending", page_number, last_page_));
  }
  const std::uint32_t next_in_snapshot = page_after(last_page_, header_.page_size);
  if (header_.is_snapshot() && page_number != next_in_snapshot) {
    return invalid(fmt::format("a snapshot without page {}", next_in_snapshot));
  }
  if (page.size() != header_.page_size) {
    return invalid(fmt::format("{} bytes are not one page of {}", page.size(), header_.page_size));
  }
  return {};
}

base::Result<> Encoder::write_page(std::uint32_t page_number, base::ByteView compressed, base::ByteView page) {
  const std::uint64_t start = offset_;
  const bool is_block = encoding_ == PageEncoding::block;
  TRY(emit_hashed(encode_page_header({.page_number = page_number, .is_block = is_block})));
  if (is_block) {
    std::array<std::uint8_t, kBlockSizeFieldBytes> size;
    base::store_be32(size.data(), static_cast<std::uint32_t>(compressed.size()));
    TRY(emit_hashed(size));
  }
  TRY(emit(compressed));
  crc_.update(page);  // the file checksum covers pages as they are, not as they are stored
  append_uvarint(index_, page_number);
  append_uvarint(index_, start);
  append_uvarint(index_, offset_ - start);
  last_page_ = page_number;
  return {};
}

base::Result<> Encoder::write_tail(std::uint64_t post_apply) {
  if (const auto violation = post_apply_violation(header_, post_apply)) return invalid(*violation);
  if (header_.is_snapshot() && page_after(last_page_, header_.page_size) <= header_.commit) {
    return invalid(fmt::format("a snapshot that ends at page {} of {}", last_page_, header_.commit));
  }
  TRY(emit_hashed(std::array<std::uint8_t, kEndMarkerBytes>{}));
  index_.push_back(0);
  TRY(emit_hashed(index_));
  std::array<std::uint8_t, 8> field;
  base::store_be64(field.data(), index_.size());
  TRY(emit_hashed(field));
  base::store_be64(field.data(), post_apply);
  TRY(emit_hashed(field));
  base::store_be64(field.data(), kChecksumFlag | crc_.value());
  return emit(field);
}

base::Result<> Encoder::emit(base::ByteView bytes) {
  TRY(sink_(bytes));
  offset_ += bytes.size();
  return {};
}

base::Result<> Encoder::emit_hashed(base::ByteView bytes) {
  crc_.update(bytes);
  return emit(bytes);
}

}  // namespace ltx
