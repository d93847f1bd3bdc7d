#include "ltx/encoder.h"

#include "ltx/test_support.h"

namespace ltx {
namespace {

using base::Category;
using test::expect_error;
using test::sample_header;
using test::sample_page;

Sink discard() {
  return [](base::ByteView) -> base::Result<> { return {}; };
}

TEST(Encoder, RefusesPagesAgainstItsRules) {
  const std::uint32_t lock = lock_page(512);
  struct Case {
    std::string message;
    Header header;
    std::vector<std::uint32_t> pages;
    std::size_t page_size = 512;
  };
  const std::vector<Case> cases = {
      {"page number 0", sample_header(2, 2, 9), {0}},
      {"above the commit size 9", sample_header(2, 2, 9), {10}},
      {"lock page", sample_header(2, 2, lock + 1), {lock}},
      {"not ascending", sample_header(2, 2, 9), {4, 4}},
      {"not ascending", sample_header(2, 2, 9), {4, 3}},
      {"511 bytes are not one page", sample_header(2, 2, 9), {4}, 511},
      {"snapshot without page 1", sample_header(1, 2, 9), {2}},
      {"snapshot without page 3", sample_header(1, 2, 9), {1, 2, 4}},
      {"min TXID is 0", sample_header(0, 2, 9), {1}},
  };
  for (const Case& c : cases) {
    Encoder encoder(c.header, discard());
    base::Result<> result;
    for (const std::uint32_t number : c.pages) result = encoder.add_page(number, sample_page(c.page_size, number));
    ASSERT_FALSE(result) << c.message;
    expect_error(result.error(), Category::invalid, c.message);
    expect_error(encoder.finish().error(), Category::invalid, "after an error");
  }
}

TEST(Encoder, SnapshotMustReachItsCommitSize) {
  Encoder encoder(sample_header(1, 1, 3), discard());
  ASSERT_TRUE(encoder.add_page(1, sample_page(512, 1)));
  expect_error(encoder.finish().error(), Category::invalid, "ends at page 1 of 3");
}

TEST(Encoder, SnapshotSkipsTheLockPage) {
  const std::uint32_t lock = lock_page(65536);
  for (const std::uint32_t commit : {lock - 1, lock, lock + 2}) {
    Encoder encoder(sample_header(1, 1, commit, 65536), discard());
    const base::Bytes page(65536);
    base::Bytes block;
    compress_page(page, block);
    for (std::uint32_t number = 1; number <= commit; ++number) {
      if (number != lock) {
        ASSERT_TRUE(encoder.add_compressed(number, block, page));
      }
    }
    EXPECT_TRUE(encoder.finish()) << commit;
  }
}

TEST(Encoder, RefusesWrongPostApplyChecksums) {
  Header with_checksum = sample_header(2, 2, 1);
  with_checksum.flags = 0;
  with_checksum.pre_apply_checksum = kChecksumFlag | 5;
  Header deletion = with_checksum;
  deletion.commit = 0;
  struct Case {
    std::string message;
    Header header;
    std::uint64_t post_apply;
  };
  const std::vector<Case> cases = {
      {"together with the NoChecksum flag", sample_header(2, 2, 1), kChecksumFlag},
      {"post-apply checksum is missing", with_checksum, 0},
      {"without its flag bit", with_checksum, 5},
      {"of an empty database", deletion, kChecksumFlag | 1},
      {"commit 0 together", sample_header(2, 2, 0), 0},
  };
  for (const Case& c : cases) {
    Encoder encoder(c.header, discard());
    const auto result = encoder.finish(c.post_apply);
    ASSERT_FALSE(result) << c.message;
    expect_error(result.error(), Category::invalid, c.message);
  }
}

TEST(Encoder, RefusesCallsAfterFinish) {
  Encoder encoder(sample_header(2, 2, 9), discard());
  ASSERT_TRUE(encoder.add_page(4, sample_page(512, 4)));
  ASSERT_TRUE(encoder.finish());
  expect_error(encoder.add_page(5, sample_page(512, 5)).error(), Category::invalid, "after finish");
  expect_error(encoder.finish().error(), Category::invalid, "after finish");
}

TEST(Encoder, ReturnsTheSinksErrorAndStops) {
  std::size_t room = 150;
  Encoder encoder(sample_header(2, 2, 9), [&](base::ByteView bytes) -> base::Result<> {
    if (bytes.size() > room) return base::fail(Category::io, "disk full");
    room -= bytes.size();
    return {};
  });
  EXPECT_EQ(encoder.add_page(4, sample_page(512, 4)).error().message, "disk full");
  expect_error(encoder.add_page(5, sample_page(512, 5)).error(), Category::invalid, "after an error");
}

TEST(Encoder, CompressedBlocksGiveTheSameFileAsPages) {
  const Header header = sample_header(2, 2, 9);
  const auto plain = test::encode(header, {{4, sample_page(512, 4)}, {7, sample_page(512, 7)}});
  base::Bytes out;
  Encoder encoder(header, [&](base::ByteView bytes) -> base::Result<> {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  });
  base::Bytes block;
  for (const std::uint32_t number : {4U, 7U}) {
    compress_page(sample_page(512, number), block);
    ASSERT_TRUE(encoder.add_compressed(number, block, sample_page(512, number)));
  }
  ASSERT_TRUE(encoder.finish());
  EXPECT_EQ(out, *plain);
}

TEST(Encoder, CompressedBlocksAreForBlockFilesOnly) {
  base::Bytes block;
  compress_page(sample_page(512, 4), block);
  Encoder frames(sample_header(2, 2, 9), discard(), PageEncoding::frame);
  expect_error(frames.add_compressed(4, block, sample_page(512, 4)).error(), Category::invalid, "file of frames");
  Encoder blocks(sample_header(2, 2, 9), discard());
  expect_error(blocks.add_compressed(4, {}, sample_page(512, 4)).error(), Category::invalid, "no LZ4 block");
}

TEST(DecompressPage, RefusesABlockLongerThanAnyPageNeeds) {
  base::Bytes page(512);
  expect_error(decompress_page(base::Bytes(4096), page).error(), Category::corrupt, "compressed size 4096");
}

}  // namespace
}  // namespace ltx
