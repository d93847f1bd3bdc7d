// Files that the reference implementation wrote, in both page encodings, with and without checksums.
#include "ltx/checksum.h"
#include "ltx/page_codec.h"
#include "ltx/test_support.h"

namespace ltx {
namespace {

using nlohmann::json;
using test::DecodedFile;

class GoldenFiles : public testing::TestWithParam<std::pair<std::string, json>> {
 protected:
  std::string name_ = GetParam().first;
  json expected_ = GetParam().second;
  base::Bytes bytes_ = test::read_golden(name_);
};

std::vector<std::pair<std::string, json>> golden_files() {
  std::vector<std::pair<std::string, json>> files;
  const json manifest = test::read_json("manifest.json");
  for (const auto& [name, fields] : manifest["files"].items()) files.emplace_back(name, fields);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Manifest, GoldenFiles, testing::ValuesIn(golden_files()));

TEST_P(GoldenFiles, DecodeToTheManifestsFields) {
  ASSERT_EQ(bytes_.size(), expected_["size"]) << name_;
  const auto file = test::decode(bytes_);
  ASSERT_TRUE(file) << name_ << ": " << file.error().message;
  const Header& header = file->header;
  EXPECT_EQ(header.flags, expected_["flags"]);
  EXPECT_EQ(header.page_size, expected_["page_size"]);
  EXPECT_EQ(header.commit, expected_["commit"]);
  EXPECT_EQ(header.min_txid.value, expected_["min_txid"]);
  EXPECT_EQ(header.max_txid.value, expected_["max_txid"]);
  EXPECT_EQ(header.timestamp.count(), expected_["timestamp"]);
  EXPECT_EQ(base::hex16(header.pre_apply_checksum), expected_["pre"]);
  EXPECT_EQ(header.wal_offset, expected_["wal_offset"]);
  EXPECT_EQ(header.wal_size, expected_["wal_size"]);
  EXPECT_EQ(header.wal_salt1, expected_["salt1"]);
  EXPECT_EQ(header.wal_salt2, expected_["salt2"]);
  EXPECT_EQ(header.node_id, expected_["node_id"]);
  EXPECT_EQ(base::hex16(file->trailer.post_apply_checksum), expected_["post"]);
  EXPECT_EQ(base::hex16(file->trailer.file_checksum), expected_["file_checksum"]);

  ASSERT_EQ(file->pages.size(), expected_["pages"].size());
  for (const auto& page : expected_["pages"]) {
    const auto number = page["pgno"].get<std::uint32_t>();
    ASSERT_TRUE(file->pages.contains(number));
    EXPECT_EQ(base::hex16(page_checksum(number, file->pages.at(number))), page["page_checksum"]);
  }
}

TEST_P(GoldenFiles, DecodeFromASourceThatGivesOneByteAtATime) {
  const auto whole = test::decode(bytes_);
  const auto trickled = test::decode([inner = memory_source(bytes_)](base::MutableByteView out) mutable {
    return inner(out.first(std::min<std::size_t>(out.size(), 1)));
  });
  ASSERT_TRUE(whole && trickled);
  EXPECT_EQ(trickled->header, whole->header);
  EXPECT_EQ(trickled->pages, whole->pages);
  EXPECT_EQ(trickled->trailer.file_checksum, whole->trailer.file_checksum);
}

TEST_P(GoldenFiles, IndexParsedFromTheTailPointsAtEachPage) {
  const auto file = test::decode(bytes_);
  ASSERT_TRUE(file);
  const auto index = parse_page_index(bytes_, bytes_.size());
  ASSERT_TRUE(index) << name_ << ": " << index.error().message;
  EXPECT_EQ(index->trailer.file_checksum, file->trailer.file_checksum);
  ASSERT_EQ(index->entries.size(), expected_["pages"].size());
  base::Bytes page(file->header.page_size);
  for (std::size_t i = 0; i < index->entries.size(); ++i) {
    const PageIndexEntry& entry = index->entries[i];
    const json& expected = expected_["pages"][i];
    EXPECT_EQ(entry, (PageIndexEntry{expected["pgno"], expected["offset"], expected["size"]}));
    const auto decoded =
        decode_page_frame(base::ByteView(bytes_).subspan(entry.offset, entry.size), entry.page_number, page);
    ASSERT_TRUE(decoded) << name_ << ": " << decoded.error().message;
    EXPECT_EQ(page, file->pages.at(entry.page_number));
  }
}

// LZ4 output may differ between encoders; where ours makes blocks of the same sizes, the whole checksum must agree.
TEST_P(GoldenFiles, ReencodedFileHasTheSameContent) {
  const auto file = test::decode(bytes_);
  ASSERT_TRUE(file);
  const bool is_frames = !expected_["pages"].empty() && expected_["pages"][0]["flags"] == 0;
  const auto again = test::encode(file->header, file->pages, file->trailer.post_apply_checksum,
                                  is_frames ? PageEncoding::frame : PageEncoding::block);
  ASSERT_TRUE(again) << name_ << ": " << again.error().message;
  const auto decoded = test::decode(*again);
  ASSERT_TRUE(decoded) << name_ << ": " << decoded.error().message;
  EXPECT_EQ(decoded->header, file->header);
  EXPECT_EQ(decoded->pages, file->pages);
  const auto ours = parse_page_index(*again, again->size());
  const auto theirs = parse_page_index(bytes_, bytes_.size());
  ASSERT_TRUE(ours && theirs);
  if (ours->entries == theirs->entries) {
    EXPECT_EQ(decoded->trailer.file_checksum, file->trailer.file_checksum);
  }
}

// Files without compressed data leave the encoder no choice at all.
TEST(GoldenBytes, FilesWithoutPagesAreReproducedExactly) {
  for (const char* name : {"ltx/misc/commit0-deletion.ltx", "ltx/misc/no-pages.ltx"}) {
    const base::Bytes bytes = test::read_golden(name);
    const auto file = test::decode(bytes);
    ASSERT_TRUE(file);
    EXPECT_EQ(*test::encode(file->header, {}, file->trailer.post_apply_checksum), bytes) << name;
  }
}

// Their blocks go through add_compressed() untouched, so header, index, trailer and checksum are compared byte by byte.
TEST(GoldenBytes, FileOfTheReferencesOwnBlocksIsReproducedExactly) {
  for (const auto& [name, fields] : golden_files()) {
    if (fields["pages"].empty() || fields["pages"][0]["flags"] != 1) continue;
    const base::Bytes bytes = test::read_golden(name);
    const auto file = test::decode(bytes);
    ASSERT_TRUE(file);
    base::Bytes out;
    Encoder encoder(file->header, [&](base::ByteView part) -> base::Result<> {
      out.insert(out.end(), part.begin(), part.end());
      return {};
    });
    for (const auto& page : fields["pages"]) {
      const auto frame =
          base::ByteView(bytes).subspan(page["offset"].get<std::size_t>(), page["size"].get<std::size_t>());
      const auto number = page["pgno"].get<std::uint32_t>();
      ASSERT_TRUE(encoder.add_compressed(number, frame.subspan(kPageHeaderSize + kBlockSizeFieldBytes),
                                         file->pages.at(number)));
    }
    ASSERT_TRUE(encoder.finish(file->trailer.post_apply_checksum)) << name;
    EXPECT_EQ(out, bytes) << name;
  }
}

}  // namespace
}  // namespace ltx
