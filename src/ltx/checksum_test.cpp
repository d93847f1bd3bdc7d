#include "ltx/checksum.h"

#include "ltx/test_support.h"

namespace ltx {
namespace {

std::uint64_t crc_of(base::ByteView bytes) {
  Crc64 crc;
  crc.update(bytes);
  return crc.value();
}

TEST(Crc64, GivesTheStandardsCheckValues) {
  EXPECT_EQ(crc_of({}), 0U);
  EXPECT_EQ(crc_of(base::as_bytes("a")), 0x3420000000000000U);
  EXPECT_EQ(crc_of(base::as_bytes("123456789")), 0xb90956c775a41001U);
  EXPECT_EQ(crc_of(base::as_bytes("The quick brown fox jumps over the lazy dog")), 0x4ef14e19f4c6e28eU);
  base::Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc_of(all), 0x89f7eaa7b75c07ddU);
}

// Guards against a vector implementation that differs from the definition for some length or alignment.
TEST(Crc64, AgreesWithTheBitwiseDefinitionForEveryLengthAndCut) {
  const base::Bytes bytes = test::sample_page(1500, 7);
  std::uint64_t bitwise = ~0ULL;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_EQ(crc_of(base::ByteView(bytes).first(length)), ~bitwise) << length;
    Crc64 in_two;
    in_two.update(base::ByteView(bytes).first(length / 3));
    in_two.update(base::ByteView(bytes).subspan(length / 3, length - length / 3));
    ASSERT_EQ(in_two.value(), ~bitwise) << length;
    bitwise ^= bytes[length];
    for (int bit = 0; bit < 8; ++bit) bitwise = (bitwise >> 1) ^ ((bitwise & 1) != 0 ? 0xD800000000000000U : 0U);
  }
}

TEST(PageChecksum, CoversThePageNumber) {
  const base::Bytes page(512, 0x11);
  EXPECT_NE(page_checksum(1, page), page_checksum(2, page));
  EXPECT_NE(page_checksum(1, page) & (1ULL << 63), 0U);
}

TEST(DatabaseChecksum, EqualsTheGoldenStatesWhateverTheOrderOfPages) {
  const auto manifest = test::read_json("manifest.json");
  for (const auto& state : manifest["states"]) {
    const base::Bytes database = test::read_file(test::data_directory() / state["file"].get<std::string>());
    const auto count = state["pages"].get<std::uint32_t>();
    ASSERT_EQ(database.size(), count * 512U);
    DatabaseChecksum forwards;
    DatabaseChecksum backwards;
    for (std::uint32_t n = 1; n <= count; ++n) {
      const auto page = [&](std::uint32_t number) {
        return base::ByteView(database).subspan((number - 1) * 512U, 512);
      };
      EXPECT_EQ(base::hex16(page_checksum(n, page(n))), state["page_checksums"][n - 1]);
      forwards.toggle(page_checksum(n, page(n)));
      const std::uint32_t mirrored = count + 1 - n;
      backwards.toggle(page_checksum(mirrored, page(mirrored)));
    }
    EXPECT_EQ(base::hex16(forwards.value()), state["db_checksum"]);
    EXPECT_EQ(backwards.value(), forwards.value());
  }
}

TEST(DatabaseChecksum, TogglingAPageTwiceTakesItAway) {
  const base::Bytes page(512, 0x22);
  DatabaseChecksum sum;
  EXPECT_EQ(sum.value(), 1ULL << 63);
  sum.toggle(page_checksum(1, page));
  EXPECT_NE(sum.value(), 1ULL << 63);
  sum.toggle(0);
  sum.toggle(page_checksum(1, page));
  EXPECT_EQ(sum.value(), 1ULL << 63);
}

}  // namespace
}  // namespace ltx
