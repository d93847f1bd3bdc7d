#include "ltx/header.h"

#include "ltx/test_support.h"

namespace ltx {
namespace {

using base::Category;
using test::expect_error;

TEST(LtxHeader, SurvivesEncodingWithAllFieldsSet) {
  Header header = test::sample_header(7, 9, 1234, 4096);
  header.wal_offset = 32;
  header.wal_size = 4120;
  header.wal_salt1 = 0x01020304;
  header.wal_salt2 = 0xfffefdfc;
  header.node_id = 77;
  for (std::size_t i = 0; i < header.reserved.size(); ++i) header.reserved[i] = static_cast<std::uint8_t>(i + 1);
  const auto decoded = decode_header(encode_header(header));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, header);
}

TEST(LtxHeader, StandsInTheFileAsDocumented) {
  Header header = test::sample_header(4, 4, 3);
  header.flags = 0;
  header.timestamp = base::UnixMillis{1767225604999};
  header.pre_apply_checksum = 0xdfb3ae1c8fa7213a;
  const auto bytes = encode_header(header);
  EXPECT_EQ(base::to_hex(base::ByteView(bytes).first(48)),
            "4c5458310000000000000200000000030000000000000004"
            "00000000000000040000019b76dabb87dfb3ae1c8fa7213a");
}

TEST(LtxHeader, LockPageHoldsByteOneGigabyteForEveryPageSize) {
  EXPECT_EQ(lock_page(512), 2097153U);
  EXPECT_EQ(lock_page(4096), 262145U);
  EXPECT_EQ(lock_page(65536), 16385U);
}

TEST(LtxHeader, LockPageIsLeftOutWhenCountingPages) {
  EXPECT_EQ(page_after(0, 4096), 1U);
  EXPECT_EQ(page_after(262143, 4096), 262144U);
  EXPECT_EQ(page_after(262144, 4096), 262146U);
  EXPECT_EQ(page_after(262146, 4096), 262147U);
}

TEST(LtxHeader, AcceptsExactlyTheEightPageSizes) {
  std::vector<std::uint32_t> accepted;
  for (std::uint32_t size = 0; size <= 200000; ++size) {
    if (is_valid_page_size(size)) accepted.push_back(size);
  }
  EXPECT_EQ(accepted, (std::vector<std::uint32_t>{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}));
}

TEST(LtxHeader, EachBrokenRuleIsNamed) {
  struct Case {
    std::string message;
    std::function<void(Header&)> break_it;
  };
  const std::vector<Case> cases = {
      {"unknown flags", [](Header& h) { h.flags = 1; }},
      {"page size 0", [](Header& h) { h.page_size = 0; }},
      {"page size 131072", [](Header& h) { h.page_size = 131072; }},
      {"min TXID is 0", [](Header& h) { h.min_txid = {}; }},
      {"max TXID is 0", [](Header& h) { h.max_txid = {}; }},
      {"is above max TXID", [](Header& h) { h.min_txid = base::Txid{10}; }},
      {"WAL offset -1 is negative", [](Header& h) { h.wal_offset = -1; }},
      {"WAL size -5 is negative", [](Header& h) { h.wal_size = -5; }},
      {"WAL salts without", [](Header& h) { h.wal_salt2 = 1; }},
      {"WAL size without", [](Header& h) { h.wal_size = 1; }},
      {"on a snapshot", [](Header& h) { h.min_txid = base::Txid{1}, h.pre_apply_checksum = kChecksumFlag; }},
      {"together with the NoChecksum", [](Header& h) { h.pre_apply_checksum = kChecksumFlag; }},
      {"pre-apply checksum is missing", [](Header& h) { h.flags = 0; }},
      {"without its flag bit", [](Header& h) { h.flags = 0, h.pre_apply_checksum = 1; }},
  };
  for (const Case& c : cases) {
    Header header = test::sample_header(5, 6, 3);
    ASSERT_TRUE(validate(header));
    c.break_it(header);
    const auto result = validate(header);
    ASSERT_FALSE(result) << c.message;
    expect_error(result.error(), Category::corrupt, c.message);
    EXPECT_FALSE(decode_header(encode_header(header))) << c.message;
  }
}

TEST(LtxHeader, ShortOrForeignBytesAreCorrupt) {
  auto bytes = encode_header(test::sample_header(1, 1, 1));
  expect_error(decode_header(base::ByteView(bytes).first(99)).error(), Category::corrupt, "only 99 of 100 bytes");
  bytes[3] = '2';
  expect_error(decode_header(bytes).error(), Category::corrupt, "magic");
}

}  // namespace
}  // namespace ltx
