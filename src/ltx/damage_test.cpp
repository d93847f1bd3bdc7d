// Broken files are refused, each for its own reason, and never by a crash.
#include "ltx/checksum.h"
#include "ltx/page_codec.h"
#include "ltx/test_support.h"
#include "ltx/uvarint.h"

namespace ltx {
namespace {

using base::Category;
using test::expect_error;

// The reference decoder accepts inc-postapply-zero-fixed, nochecksum-postapply-set and index-size-wrong-fixed; we are
// stricter there, because no correct writer makes them. Reserved bytes are free for everybody (decision 0001).
TEST(DamagedFiles, EachGoldenDefectIsRefusedForItsReason) {
  const std::map<std::string, std::string> accepted = {{"reserved-header-nonzero-fixed.ltx", ""}};
  const std::map<std::string, std::string> reasons = {
      {"header-flags-1.ltx", "unknown flags"},
      {"header-flags-4.ltx", "unknown flags"},
      {"inc-no-preapply.ltx", "pre-apply checksum is missing"},
      {"inc-postapply-zero-fixed.ltx", "post-apply checksum is missing"},
      {"inc-preapply-noflag.ltx", "pre-apply checksum without its flag bit"},
      {"index-size-wrong-fixed.ltx", "page index length is wrong"},
      {"magic.ltx", "magic"},
      {"max-txid-0.ltx", "max TXID is 0"},
      {"min-txid-0.ltx", "min TXID is 0"},
      {"nochecksum-postapply-set.ltx", "post-apply checksum together with the NoChecksum flag"},
      {"nochecksum-preapply.ltx", "pre-apply checksum together with the NoChecksum flag"},
      {"page-data-bitflip.ltx", ""},  // the LZ4 block or the file checksum, whichever sees it first
      {"page-flags-2.ltx", "unknown page flags"},
      {"page-pgno-0-flag-1.ltx", "page number 0 with page flags"},
      {"page-size-256.ltx", "page size 256"},
      {"page-size-768.ltx", "page size 768"},
      {"reserved-header-bitflip.ltx", "file checksum differs"},
      {"snapshot-postapply-mismatch.ltx", "differs from the snapshot's pages"},
      {"snapshot-postapply-zero.ltx", "post-apply checksum is missing"},
      {"snapshot-preapply.ltx", "pre-apply checksum on a snapshot"},
      {"trailer-bitflip.ltx", "file checksum differs"},
      {"trailing-garbage.ltx", "bytes follow the trailer"},
      {"truncated-header.ltx", "ends inside the header"},
      {"truncated-page.ltx", "ends inside a page"},
      {"truncated-trailer.ltx", "ends inside the trailer"},
      {"txid-order.ltx", "is above max TXID"},
      {"wal-offset-negative.ltx", "WAL offset"},
      {"wal-salt-no-offset.ltx", "WAL salts without a WAL offset"},
      {"wal-size-negative.ltx", "WAL size"},
      {"wal-size-no-offset.ltx", "WAL size without a WAL offset"},
  };
  std::size_t seen = 0;
  const auto golden = test::read_json("invalid/expected.json");
  for (const auto& [name, _] : golden.items()) {
    const auto result = test::decode(test::read_golden("ltx/invalid/" + name));
    if (accepted.contains(name)) {
      EXPECT_TRUE(result) << name;
      continue;
    }
    ASSERT_TRUE(reasons.contains(name)) << name;
    ASSERT_FALSE(result) << name;
    expect_error(result.error(), Category::corrupt, reasons.at(name));
    ++seen;
  }
  EXPECT_EQ(seen, reasons.size());
}

class SmallFile : public testing::TestWithParam<std::string> {
 protected:
  base::Bytes bytes_ = test::read_golden(GetParam());
};

INSTANTIATE_TEST_SUITE_P(BothEncodings, SmallFile,
                         testing::Values("ltx/block-litestream/0/0000000000000002-0000000000000002.ltx",
                                         "ltx/frame-litestream/0/0000000000000002-0000000000000002.ltx",
                                         "ltx/block-checksummed/9/0000000000000001-0000000000000003.ltx"));

TEST_P(SmallFile, CutAtAnyByteIsRefused) {
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    const auto result = test::decode(base::ByteView(bytes_).first(length));
    ASSERT_FALSE(result) << length;
    ASSERT_EQ(result.error().category, Category::corrupt) << length;
  }
}

TEST_P(SmallFile, WithAnyBitFlippedIsRefused) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      base::Bytes damaged = bytes_;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ (1U << bit));
      const auto result = test::decode(damaged);
      // LZ4 has bits that carry nothing: only then may the pages still be the right ones.
      if (result) {
        ASSERT_EQ(result->pages, test::decode(bytes_)->pages) << at << ' ' << bit;
        ASSERT_GE(at, kHeaderSize);
        ASSERT_LT(at, bytes_.size() - kTrailerSize);
      } else {
        ASSERT_EQ(result.error().category, Category::corrupt);
      }
    }
  }
}

// A file made piece by piece with a right checksum, so that only the defect under test is left.
struct RawPage {
  std::uint32_t number;
  base::Bytes content;                    // what the checksum covers
  std::optional<base::Bytes> block = {};  // stored instead of the compressed content
  std::optional<std::uint32_t> size_field = {};
  std::uint64_t index_size_error = 0;  // added to the size in the page index
};

base::Bytes raw_file(const Header& header, const std::vector<RawPage>& pages) {
  base::Bytes out;
  base::Bytes index;
  Crc64 crc;
  const auto put = [&](base::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  const auto put_hashed = [&](base::ByteView bytes) {
    crc.update(bytes);
    put(bytes);
  };
  std::array<std::uint8_t, 8> field;
  put_hashed(encode_header(header));
  for (const RawPage& page : pages) {
    const std::size_t start = out.size();
    base::Bytes block;
    compress_page(page.content, block);
    if (page.block) block = *page.block;
    put_hashed(encode_page_header({.page_number = page.number, .is_block = true}));
    base::store_be32(field.data(), page.size_field.value_or(static_cast<std::uint32_t>(block.size())));
    put_hashed(base::ByteView(field).first(4));
    put(block);
    crc.update(page.content);
    append_uvarint(index, page.number);
    append_uvarint(index, start);
    append_uvarint(index, out.size() - start + page.index_size_error);
  }
  put_hashed(base::Bytes(6));
  index.push_back(0);
  put_hashed(index);
  base::store_be64(field.data(), index.size());
  put_hashed(field);
  put_hashed(base::Bytes(8));
  base::store_be64(field.data(), kChecksumFlag | crc.value());
  put(field);
  return out;
}

base::Bytes page_of(std::uint32_t seed) {
  return test::sample_page(512, seed);
}

base::Bytes block_of(base::ByteView content) {
  base::Bytes block;
  compress_page(content, block);
  return block;
}

TEST(DamagedPages, RulesOfOrderAndSizeAreChecked) {
  struct Case {
    std::string message;
    Header header;
    std::vector<RawPage> pages;
  };
  const Header later = test::sample_header(2, 2, 9);
  const Header snapshot = test::sample_header(1, 1, 9);
  const std::uint32_t lock = lock_page(512);
  const std::vector<Case> cases = {
      {"", later, {{3, page_of(3)}, {5, page_of(5)}}},
      {"not ascending", later, {{5, page_of(5)}, {3, page_of(3)}}},
      {"not ascending", later, {{5, page_of(5)}, {5, page_of(5)}}},
      {"above the commit size 9", later, {{10, page_of(1)}}},
      {"lock page", test::sample_header(2, 2, lock + 9), {{lock, page_of(1)}}},
      {"snapshot without page 1", snapshot, {{2, page_of(2)}}},
      {"snapshot without page 2", snapshot, {{1, page_of(1)}, {3, page_of(3)}}},
      {"holds 511 bytes", later, {{1, page_of(1), block_of(base::ByteView(page_of(1)).first(511))}}},
      {"LZ4 block is broken", later, {{1, page_of(1), block_of(test::sample_page(513, 1))}}},
      {"page index differs from the pages", later, {{1, page_of(1), std::nullopt, std::nullopt, 1}}},
      {"compressed size 0 is impossible", later, {{1, page_of(1), base::Bytes{}}}},
      {"compressed size 4294967295 is impossible", later, {{1, page_of(1), std::nullopt, UINT32_MAX}}},
  };
  for (const Case& c : cases) {
    const auto result = test::decode(raw_file(c.header, c.pages));
    if (c.message.empty()) {
      EXPECT_TRUE(result) << result.error().message;
      continue;
    }
    ASSERT_FALSE(result) << c.message;
    expect_error(result.error(), Category::corrupt, c.message);
  }
}

TEST(DamagedPages, CommitZeroWithoutChecksumIsRefused) {
  const auto result = test::decode(raw_file(test::sample_header(2, 2, 0), {}));
  ASSERT_FALSE(result);
  expect_error(result.error(), Category::corrupt, "commit 0");
}

TEST(DamagedFrames, AreRefusedUnlessTheyHoldExactlyOnePage) {
  const base::Bytes page = page_of(1);
  base::Bytes good;
  compress_page_frame(page, good);
  const auto decode_one = [](const base::Bytes& frame) {
    const auto number = encode_page_header({.page_number = 4, .is_block = false});
    base::Bytes stored(number.begin(), number.end());
    stored.insert(stored.end(), frame.begin(), frame.end());
    base::Bytes out(512);
    return decode_page_frame(stored, 4, out);
  };
  EXPECT_TRUE(decode_one(good));
  base::Bytes short_page;
  compress_page_frame(base::ByteView(page).first(500), short_page);
  expect_error(decode_one(short_page).error(), Category::corrupt, "holds 500 bytes");
  base::Bytes long_page;
  compress_page_frame(test::sample_page(513, 1), long_page);
  expect_error(decode_one(long_page).error(), Category::corrupt, "more than one page");
  base::Bytes twice = good;
  twice.insert(twice.end(), good.begin(), good.end());
  expect_error(decode_one(twice).error(), Category::corrupt, "shorter than the page index says");
  expect_error(decode_one(base::Bytes(good.begin(), good.end() - 1)).error(), Category::corrupt, "cut short");
}

TEST(DecoderSource, ItsErrorIsPassedOnAsItIs) {
  const base::Bytes bytes = raw_file(test::sample_header(2, 2, 9), {{3, page_of(3)}});
  std::size_t left = 120;
  const auto result = test::decode([&](base::MutableByteView out) -> base::Result<std::size_t> {
    if (left == 0) return base::fail(Category::retry_later, "connection reset");
    const std::size_t count = std::min(out.size(), left);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(120 - left), count, out.begin());
    left -= count;
    return count;
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (base::Error{Category::retry_later, "connection reset", std::nullopt}));
}

}  // namespace
}  // namespace ltx
