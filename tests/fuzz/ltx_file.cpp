// The LTX decoder: a file that it accepts can be written again and read back to the same header and pages, and its page
// index leads to the same pages. With the first bit set the file's checksum is made right before, so that the fuzzer
// gets past it.
#include <map>

#include "fuzz.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"

namespace {

using Pages = std::map<std::uint32_t, base::Bytes>;

struct Content {
  ltx::Header header;
  Pages pages;
  std::uint64_t post_apply = 0;
};

constexpr std::size_t kPagesMax = 300;  // a small file may hold many pages of 64 KiB

std::optional<Content> read(base::ByteView file) {
  ltx::Decoder decoder(ltx::memory_source(file));
  Content content;
  auto header = decoder.read_header();
  if (!header) return std::nullopt;
  content.header = *header;
  std::uint32_t last = 0;
  for (;;) {
    auto page = decoder.next_page();
    if (!page) return std::nullopt;
    if (!*page) break;
    MUST((*page)->page_number > last);
    MUST((*page)->data.size() == content.header.page_size);
    last = (*page)->page_number;
    content.pages.emplace(last, base::Bytes((*page)->data.begin(), (*page)->data.end()));
    if (content.pages.size() > kPagesMax) return std::nullopt;
  }
  auto trailer = decoder.finish();
  if (!trailer) return std::nullopt;
  content.post_apply = trailer->post_apply_checksum;
  return content;
}

void check_index(base::ByteView file, const Content& content) {
  auto index = ltx::parse_page_index(file, file.size());
  MUST(index.has_value());
  MUST(index->entries.size() == content.pages.size());
  base::Bytes page(content.header.page_size);
  for (const ltx::PageIndexEntry& entry : index->entries) {
    MUST(entry.offset + entry.size <= file.size());
    MUST(ltx::decode_page_frame(file.subspan(entry.offset, entry.size), entry.page_number, page).has_value());
    MUST(page == content.pages.at(entry.page_number));
  }
}

void seal(base::Bytes& file) {
  if (file.size() < ltx::kHeaderSize + ltx::kTrailerSize) return;
  ltx::Crc64 crc;
  crc.update(base::ByteView(file).first(file.size() - 8));
  base::store_be64(file.data() + file.size() - 8, crc.value() | ltx::kChecksumFlag);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The choice stands at the end: then a golden file is a good seed as it is.
  base::Bytes file(data, data + size);
  if (!file.empty() && file.back() == 1) {
    file.pop_back();
    seal(file);
  }
  const auto content = read(file);
  if (!content) return 0;
  check_index(file, *content);

  base::Bytes again;
  ltx::Encoder encoder(content->header, [&](base::ByteView bytes) -> base::Result<> {
    again.insert(again.end(), bytes.begin(), bytes.end());
    return {};
  });
  for (const auto& [number, page] : content->pages) MUST(encoder.add_page(number, page).has_value());
  MUST(encoder.finish(content->post_apply).has_value());
  const auto second = read(again);
  MUST(second.has_value());
  MUST(second->header == content->header);
  MUST(second->pages == content->pages);
  return 0;
}
