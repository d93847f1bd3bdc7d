#include "ltx/merge.h"

#include "ltx/provenance.h"
#include "ltx/test_support.h"

namespace ltx {
namespace {

using base::Category;
using test::DecodedFile;
using test::expect_error;
using test::Pages;
using test::sample_header;
using test::sample_page;

base::Result<std::pair<Header, Pages>> merge(const std::vector<base::Bytes>& files) {
  std::vector<Source> sources;
  for (const base::Bytes& file : files) sources.push_back(memory_source(file));
  Merger merger(std::move(sources));
  std::pair<Header, Pages> merged;
  TRY_ASSIGN(merged.first, merger.read_header());
  std::uint32_t last = 0;
  while (true) {
    TRY_ASSIGN(const auto page, merger.next_page());
    if (!page) break;
    EXPECT_GT(page->page_number, last);
    last = page->page_number;
    merged.second[last] = base::Bytes(page->data.begin(), page->data.end());
  }
  TRY(merger.finish());
  return merged;
}

base::Bytes file(const Header& header, std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> pages) {
  Pages contents;
  for (const auto& [number, seed] : pages) contents[number] = sample_page(header.page_size, seed);
  return test::encode(header, contents).value();
}

TEST(Merger, GoldenChainsGiveTheDatabaseTheyWereMadeFrom) {
  std::size_t compared = 0;
  const auto manifest = test::read_json("manifest.json");
  for (const auto& chain : manifest["chains"]) {
    std::vector<base::Bytes> files;
    for (const auto& input : chain["inputs"]) files.push_back(test::read_golden(input));
    const auto merged = merge(files);
    ASSERT_TRUE(merged) << chain["inputs"] << merged.error().message;
    EXPECT_EQ(merged->second.size(), merged->first.commit);
    if (chain["equals_state"].is_null()) continue;
    base::Bytes database;
    for (const auto& [number, page] : merged->second) database.insert(database.end(), page.begin(), page.end());
    const auto state = "states/state" + std::to_string(chain["equals_state"].get<int>()) + ".db";
    EXPECT_EQ(database, test::read_file(test::data_directory() / state)) << chain["inputs"];
    ++compared;
  }
  EXPECT_EQ(compared, 24U);
}

TEST(Merger, NewestCopyOfAPageWinsAndTruncatedPagesAreDropped) {
  const auto merged = merge({
      file(sample_header(2, 2, 9), {{1, 21}, {5, 25}, {9, 29}}),
      file(sample_header(3, 3, 6), {{1, 31}, {6, 36}}),
      file(sample_header(4, 4, 7), {{5, 45}, {7, 47}}),
  });
  ASSERT_TRUE(merged) << merged.error().message;
  const Pages expected = {
      {1, sample_page(512, 31)}, {5, sample_page(512, 45)}, {6, sample_page(512, 36)}, {7, sample_page(512, 47)}};
  EXPECT_EQ(merged->second, expected);
}

TEST(Merger, HeaderTakesRangeFromBothEndsAndTheRestFromTheLast) {
  Header first = sample_header(2, 4, 9);
  first.wal_offset = 32;
  first.wal_size = 99;
  Header last = sample_header(5, 6, 8);
  last.timestamp = base::UnixMillis{1800000000000};
  last.node_id = 3;
  set_provenance(last, {.database_checksum = kChecksumFlag | 9, .lineage = 4});
  const auto merged = merge({file(first, {{1, 1}}), file(last, {{2, 2}})});
  ASSERT_TRUE(merged);
  Header expected = sample_header(2, 6, 8);
  expected.timestamp = last.timestamp;
  expected.reserved = last.reserved;
  EXPECT_EQ(merged->first, expected);
}

TEST(Merger, ContiguityAllowsOverlapButNoGapAndNothingStale) {
  struct Case {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    bool allowed;
  };
  const std::vector<Case> cases = {
      {{{2, 4}, {5, 5}}, true},           {{{2, 4}, {3, 5}}, true},          {{{2, 4}, {1, 5}}, true},
      {{{2, 4}, {6, 6}}, false},          {{{2, 4}, {3, 4}}, false},         {{{2, 4}, {2, 3}}, false},
      {{{2, UINT64_MAX}, {3, 3}}, false}, {{{2, 2}, {3, 3}, {5, 5}}, false},
  };
  for (const Case& c : cases) {
    std::vector<base::Bytes> files;
    for (const auto& [min, max] : c.ranges) files.push_back(file(sample_header(min, max, 1), {{1, 1}}));
    const auto merged = merge(files);
    EXPECT_EQ(merged.has_value(), c.allowed);
    if (!c.allowed) expect_error(merged.error(), Category::corrupt, "cannot follow");
  }
}

TEST(Merger, DifferentPageSizesAreRefused) {
  const auto merged =
      merge({file(sample_header(2, 2, 1, 512), {{1, 1}}), file(sample_header(3, 3, 1, 1024), {{1, 1}})});
  expect_error(merged.error(), Category::corrupt, "page size 1024 after page size 512");
}

TEST(Merger, NoInputIsInvalid) {
  expect_error(merge({}).error(), Category::invalid, "no input");
}

// Reads a merge to its end and tells which input failed.
std::optional<std::size_t> failing_input(const std::vector<base::Bytes>& files) {
  std::vector<Source> sources;
  for (const base::Bytes& bytes : files) sources.push_back(memory_source(bytes));
  Merger merger(std::move(sources));
  const auto read = [&]() -> base::Result<> {
    TRY(merger.read_header());
    while (true) {
      TRY_ASSIGN(const auto page, merger.next_page());
      if (!page) return merger.finish();
    }
  };
  EXPECT_FALSE(read());
  return merger.failed_input();
}

TEST(Merger, DamageInAnyInputIsFoundAndNamed) {
  const std::vector<base::Bytes> good = {file(sample_header(2, 2, 1), {{1, 1}}), file(sample_header(3, 3, 1), {{1, 2}}),
                                         file(sample_header(4, 4, 1), {{1, 3}})};
  for (std::size_t damaged = 0; damaged < good.size(); ++damaged) {
    // In the magic, in a page (which another input may override), and in the file checksum.
    for (const std::size_t at : {std::size_t{0}, kHeaderSize + 12, good[damaged].size() - 1}) {
      std::vector<base::Bytes> files = good;
      files[damaged][at] ^= 0x55;
      EXPECT_EQ(failing_input(files), damaged) << at;
    }
  }
}

TEST(Merger, GapIsBlamedOnTheInputAfterIt) {
  EXPECT_EQ(failing_input({file(sample_header(2, 2, 1), {{1, 1}}), file(sample_header(4, 4, 1), {{1, 2}})}), 1U);
}

// Against the obvious way: apply one file after the other to a map.
TEST(Merger, AgreesWithApplyingTheFilesOneByOne) {
  std::uint32_t random = 12345;
  const auto draw = [&](std::uint32_t below) {
    return (random = random * 1664525U + 1013904223U, (random >> 8) % below);
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<base::Bytes> files;
    Pages expected;
    const std::uint32_t count = 1 + draw(12);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t commit = 1 + draw(20);
      Pages pages;
      for (std::uint32_t n = 0; n < draw(10); ++n) {
        const std::uint32_t number = 1 + draw(commit);
        pages[number] = sample_page(512, draw(1000000));
      }
      files.push_back(test::encode(sample_header(i + 2, i + 2, commit), pages).value());
      for (const auto& [number, page] : pages) expected[number] = page;
      if (i + 1 == count) expected.erase(expected.upper_bound(commit), expected.end());
    }
    const auto merged = merge(files);
    ASSERT_TRUE(merged) << merged.error().message;
    ASSERT_EQ(merged->second, expected) << round;
  }
}

}  // namespace
}  // namespace ltx
