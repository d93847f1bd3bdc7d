// Random files of every page size, in both encodings.
#include <random>

#include "ltx/provenance.h"
#include "ltx/test_support.h"

namespace ltx {
namespace {

using test::Pages;

class RoundTrip : public testing::TestWithParam<std::tuple<std::uint32_t, PageEncoding>> {
 protected:
  std::uint32_t page_size_ = std::get<0>(GetParam());
  PageEncoding encoding_ = std::get<1>(GetParam());
  std::mt19937_64 random_{page_size_ + (encoding_ == PageEncoding::frame ? 1U : 0U)};

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }

  // Zeros, noise (grows when compressed), or half of each.
  base::Bytes random_page() {
    base::Bytes page(page_size_);
    const std::size_t noise = draw(3) * page_size_ / 2;
    for (std::size_t i = 0; i < noise; ++i) page[i] = static_cast<std::uint8_t>(random_());
    return page;
  }
};

INSTANTIATE_TEST_SUITE_P(PageSizes, RoundTrip,
                         testing::Combine(testing::Values(512U, 1024U, 2048U, 4096U, 8192U, 16384U, 32768U, 65536U),
                                          testing::Values(PageEncoding::block, PageEncoding::frame)));

TEST_P(RoundTrip, IncrementalFilesComeBackUnchanged) {
  for (int round = 0; round < 10; ++round) {
    const auto commit = static_cast<std::uint32_t>(1 + draw(200));
    Header header = test::sample_header(2 + draw(5), 10 + draw(UINT64_MAX - 10), commit, page_size_);
    set_provenance(header, {.database_checksum = kChecksumFlag | random_(), .lineage = random_() | 1});
    Pages pages;
    for (std::uint64_t n = draw(30); n > 0; --n) pages[static_cast<std::uint32_t>(1 + draw(commit))] = random_page();
    const auto bytes = test::encode(header, pages, 0, encoding_);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto file = test::decode(*bytes);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->header, header);
    EXPECT_EQ(file->pages, pages);
    const auto index = parse_page_index(*bytes, bytes->size());
    ASSERT_TRUE(index);
    EXPECT_EQ(index->entries.size(), pages.size());
  }
}

TEST_P(RoundTrip, SnapshotsWithChecksumsComeBackUnchanged) {
  const std::uint32_t commit = 12;
  Header header = test::sample_header(1, 1 + draw(1000), commit, page_size_);
  header.flags = 0;
  Pages pages;
  DatabaseChecksum sum;
  for (std::uint32_t number = 1; number <= commit; ++number) {
    pages[number] = random_page();
    sum.toggle(page_checksum(number, pages[number]));
  }
  const auto file = test::decode(*test::encode(header, pages, sum.value(), encoding_));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->pages, pages);
  EXPECT_EQ(file->trailer.post_apply_checksum, sum.value());
}

TEST(MixedEncodings, InOneFileAreRead) {
  const base::Bytes block_file = test::encode(test::sample_header(2, 2, 9), {{3, test::sample_page(512, 3)}}).value();
  const base::Bytes frame_file =
      test::encode(test::sample_header(2, 2, 9), {{5, test::sample_page(512, 5)}}, 0, PageEncoding::frame).value();
  const auto block = parse_page_index(block_file, block_file.size())->entries.at(0);
  const auto frame = parse_page_index(frame_file, frame_file.size())->entries.at(0);
  // Header and first page of one, page of the other; the tail is not needed to see both pages decode.
  base::Bytes mixed(block_file.begin(), block_file.begin() + static_cast<std::ptrdiff_t>(block.offset + block.size));
  mixed.insert(mixed.end(), frame_file.begin() + static_cast<std::ptrdiff_t>(frame.offset),
               frame_file.begin() + static_cast<std::ptrdiff_t>(frame.offset + frame.size));
  mixed.resize(mixed.size() + 6);
  Decoder decoder(memory_source(mixed));
  ASSERT_TRUE(decoder.read_header());
  for (const std::uint32_t number : {3U, 5U}) {
    const auto page = decoder.next_page();
    ASSERT_TRUE(page && *page);
    EXPECT_EQ((*page)->page_number, number);
    EXPECT_TRUE(std::ranges::equal((*page)->data, test::sample_page(512, number)));
  }
  EXPECT_EQ(decoder.next_page().value(), std::nullopt);
}

TEST(LtxDocument, WorkedExampleDecodesAsDocumented) {
  const std::string hex =
      "4c54583100000002000002000000000200000000000000070000000000000007"
      "0000019b76daa800000000000000000000000000000000200000000000000218"
      "11223344a1b2c3d400000000000000008123456789abcdeffedcba9876543210"
      "4c534d310000000200010000000c1f610100ffe8506161616161000000000000"
      "02641600000000000000000400000000000000009ae8000d1c497f04";
  base::Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  ASSERT_EQ(bytes.size(), 156U);
  const auto file = test::decode(bytes);
  ASSERT_TRUE(file) << file.error().message;
  Header header = test::sample_header(7, 7, 2);
  header.wal_offset = 32;
  header.wal_size = 536;
  header.wal_salt1 = 0x11223344;
  header.wal_salt2 = 0xa1b2c3d4;
  set_provenance(header, {.database_checksum = 0x8123456789abcdef, .lineage = 0xfedcba9876543210});
  EXPECT_EQ(file->header, header);
  EXPECT_EQ(file->pages, (Pages{{2, base::Bytes(512, 'a')}}));
  EXPECT_EQ(page_checksum(2, file->pages.at(2)), 0xfbcad01764511888U);
  EXPECT_EQ(file->trailer.file_checksum, 0x9ae8000d1c497f04U);
}

}  // namespace
}  // namespace ltx
