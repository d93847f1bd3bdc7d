#include "ltx/test_support.h"
#include "ltx/uvarint.h"

namespace ltx {
namespace {

using base::Category;
using test::expect_error;

base::Bytes file_of(std::uint32_t pages) {
  test::Pages contents;
  for (std::uint32_t n = 1; n <= pages; ++n) contents[2 * n] = test::sample_page(512, n);
  return test::encode(test::sample_header(2, 2, 2 * pages), contents).value();
}

TEST(PageIndex, TellsHowMuchOfTheTailItNeeds) {
  const base::Bytes bytes = file_of(300);
  const auto too_short = parse_page_index(base::ByteView(bytes).last(23), bytes.size());
  ASSERT_TRUE(too_short);
  EXPECT_EQ(too_short->needed_tail_bytes, 24U);
  EXPECT_TRUE(too_short->entries.empty());

  const auto fixed_part = parse_page_index(base::ByteView(bytes).last(24), bytes.size());
  ASSERT_TRUE(fixed_part);
  EXPECT_GT(fixed_part->needed_tail_bytes, 24U);
  EXPECT_TRUE(fixed_part->entries.empty());

  const auto needed = static_cast<std::size_t>(fixed_part->needed_tail_bytes);
  EXPECT_TRUE(parse_page_index(base::ByteView(bytes).last(needed - 1), bytes.size())->entries.empty());
  const auto exact = parse_page_index(base::ByteView(bytes).last(needed), bytes.size());
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->entries.size(), 300U);
  EXPECT_EQ(exact->entries, parse_page_index(bytes, bytes.size())->entries);
}

TEST(PageIndex, OfAFileWithoutPagesIsEmptyAndComplete) {
  const auto index = parse_page_index(test::read_golden("ltx/misc/no-pages.ltx"), 131);
  ASSERT_TRUE(index);
  EXPECT_EQ(index->needed_tail_bytes, 25U);
  EXPECT_TRUE(index->entries.empty());
}

// An index with its length and a trailer, as it ends a file.
base::Bytes tail_of(base::Bytes index) {
  std::array<std::uint8_t, 8> field;
  base::store_be64(field.data(), index.size());
  index.insert(index.end(), field.begin(), field.end());
  index.resize(index.size() + kTrailerSize);
  return index;
}

base::Bytes entries(std::initializer_list<std::uint64_t> numbers) {
  base::Bytes index;
  for (const std::uint64_t number : numbers) append_uvarint(index, number);
  return index;
}

TEST(PageIndex, EachInconsistencyIsRefused) {
  struct Case {
    std::string message;
    base::Bytes index;
  };
  // Pages fill bytes 100 to 300.
  const std::vector<Case> cases = {
      {"", entries({1, 100, 150, 3, 250, 50, 0})},
      {"cut short", entries({1, 100, 150, 3, 250, 50})},
      {"cut short", entries({1, 100, 150, 3})},
      {"cut short", entries({1, 100, 150, 3, 250})},
      {"cut short", base::Bytes(11, 0xff)},
      {"not ascending", entries({3, 100, 150, 3, 250, 50, 0})},
      {"not ascending", entries({0x100000001, 100, 200, 0})},
      {"page 3 does not lie", entries({1, 100, 150, 3, 251, 49, 0})},
      {"page 1 does not lie", entries({1, 99, 201, 0})},
      {"page 1 does not lie", entries({1, 100, 6, 0})},
      {"page 1 does not lie", entries({1, 100, 201, 0})},
      {"page 1 does not lie", entries({1, 100, UINT64_MAX, 0})},
      {"does not cover all pages", entries({1, 100, 150, 0})},
      {"bytes follow", entries({1, 100, 200, 0, 0})},
  };
  for (const Case& c : cases) {
    const base::Bytes tail = tail_of(c.index);
    const auto result = parse_page_index(tail, 306 + tail.size());
    if (c.message.empty()) {
      EXPECT_TRUE(result) << result.error().message;
      continue;
    }
    ASSERT_FALSE(result) << c.message;
    expect_error(result.error(), Category::corrupt, c.message);
  }
}

TEST(PageIndex, ImpossibleLengthsAreRefused) {
  base::Bytes bytes = file_of(2);
  const std::size_t length_at = bytes.size() - 24;
  for (const std::uint64_t length : {std::uint64_t{0}, bytes.size() - 24 - 105, UINT64_MAX, UINT64_MAX - 23}) {
    base::store_be64(bytes.data() + length_at, length);
    const auto result = parse_page_index(bytes, bytes.size());
    ASSERT_FALSE(result) << length;
    expect_error(result.error(), Category::corrupt, "is impossible");
  }
  expect_error(parse_page_index({}, 130).error(), Category::corrupt, "too short");
  expect_error(parse_page_index(bytes, bytes.size() - 1).error(), Category::invalid, "longer than the file");
}

TEST(PageFrame, MustBeThePageThatWasAskedFor) {
  const base::Bytes bytes = file_of(2);
  const auto index = parse_page_index(bytes, bytes.size());
  ASSERT_TRUE(index);
  const PageIndexEntry entry = index->entries[1];
  const auto frame = base::ByteView(bytes).subspan(entry.offset, entry.size);
  base::Bytes page(512);
  EXPECT_TRUE(decode_page_frame(frame, entry.page_number, page));
  EXPECT_EQ(page, test::sample_page(512, 2));
  expect_error(decode_page_frame(frame, 2, page).error(), Category::corrupt, "found page 4 where page 2");
  for (std::size_t length = 0; length < frame.size(); ++length) {
    EXPECT_FALSE(decode_page_frame(frame.first(length), entry.page_number, page)) << length;
  }
}

TEST(Uvarint, RoundTripsAndRefusesMoreThan64Bits) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{300},
                                    std::uint64_t{1} << 63, UINT64_MAX}) {
    base::Bytes bytes;
    append_uvarint(bytes, value);
    bytes.push_back(0x55);
    base::ByteView rest = bytes;
    EXPECT_EQ(take_uvarint(rest), value);
    EXPECT_EQ(rest.size(), 1U);
  }
  base::Bytes too_long(9, 0xff);
  too_long.push_back(0x02);
  base::ByteView rest = too_long;
  EXPECT_EQ(take_uvarint(rest), std::nullopt);
}

}  // namespace
}  // namespace ltx
