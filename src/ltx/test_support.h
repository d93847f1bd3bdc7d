// For this module's tests: golden files, and LTX files made or taken apart in memory.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"

namespace ltx::test {

inline std::filesystem::path data_directory() {
  return std::filesystem::path(LM_TEST_DATA_DIR) / "ltx";
}

inline base::Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline nlohmann::json read_json(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(data_directory() / name));
}

// Names in the manifest start with "ltx/".
inline base::Bytes read_golden(const std::string& manifest_name) {
  return read_file(data_directory().parent_path() / manifest_name);
}

using Pages = std::map<std::uint32_t, base::Bytes>;

struct DecodedFile {
  Header header;
  Pages pages;
  Trailer trailer;
};

inline base::Result<DecodedFile> decode(Source source) {
  Decoder decoder(std::move(source));
  DecodedFile file;
  TRY_ASSIGN(file.header, decoder.read_header());
  while (true) {
    TRY_ASSIGN(const auto page, decoder.next_page());
    if (!page) break;
    file.pages[page->page_number] = base::Bytes(page->data.begin(), page->data.end());
  }
  TRY_ASSIGN(file.trailer, decoder.finish());
  return file;
}
inline base::Result<DecodedFile> decode(base::ByteView bytes) {
  return decode(memory_source(bytes));
}

inline base::Result<base::Bytes> encode(const Header& header, const Pages& pages, std::uint64_t post_apply = 0,
                                        PageEncoding encoding = PageEncoding::block) {
  base::Bytes out;
  Encoder encoder(
      header,
      [&](base::ByteView bytes) -> base::Result<> {
        out.insert(out.end(), bytes.begin(), bytes.end());
        return {};
      },
      encoding);
  for (const auto& [number, page] : pages) TRY(encoder.add_page(number, page));
  TRY(encoder.finish(post_apply));
  EXPECT_EQ(encoder.bytes_written(), out.size());
  return out;
}

// A page that compresses somewhat and is different for each seed.
inline base::Bytes sample_page(std::size_t page_size, std::uint32_t seed) {
  base::Bytes page(page_size);
  for (std::size_t i = 0; i < page_size; ++i) {
    page[i] = static_cast<std::uint8_t>(i % 64 < 32 ? seed * 31 + i / 64 : (seed * 2654435761U + i * i) >> 5);
  }
  return page;
}

inline Header sample_header(std::uint64_t min, std::uint64_t max, std::uint32_t commit, std::uint32_t page_size = 512) {
  Header header;
  header.page_size = page_size;
  header.commit = commit;
  header.min_txid = base::Txid{min};
  header.max_txid = base::Txid{max};
  header.timestamp = base::UnixMillis{1767225600000};
  return header;
}

inline void expect_error(const base::Error& error, base::Category category, const std::string& text) {
  EXPECT_EQ(error.category, category) << error.message;
  EXPECT_NE(error.message.find(text), std::string::npos) << error.message << " should tell: " << text;
}

}  // namespace ltx::test
