#include "engine/page_set.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/random.h"
#include "engine/testing.h"

namespace engine {
namespace {

using engine::testing::page_of;
using engine::testing::put_page;
using os::testing::TempDir;

constexpr std::uint32_t kPageSize = 4096;
constexpr std::uint64_t kPlenty = 1 << 20;

base::Bytes plain(std::uint8_t fill) {
  return base::Bytes(kPageSize, fill);
}

// A page that does not compress, so that its size counts.
base::Bytes noise() {
  base::Bytes page(kPageSize);
  for (std::size_t i = 0; i < page.size(); i += 8) base::store_be64(page.data() + i, base::random_u64());
  return page;
}

std::vector<std::uint32_t> numbers(const PageSet& set) {
  std::vector<std::uint32_t> result;
  for (const PageSet::Page& page : set.pages()) result.push_back(page.number);
  return result;
}

bool spilled(const PageSet& set) {
  return set.memory_bytes() < set.payload_bytes();
}

TEST(PageSet, KeepsTheNewestOfEachPage) {
  PageSet set({}, kPlenty);
  put_page(set, 7, plain(1));
  put_page(set, 3, plain(2));
  put_page(set, 7, plain(3));
  EXPECT_EQ(numbers(set), (std::vector<std::uint32_t>{3, 7}));
  EXPECT_EQ(page_of(set, 7, kPageSize), plain(3));
  EXPECT_EQ(page_of(set, 3, kPageSize), plain(2));
}

TEST(PageSet, TellsTheChecksumThatBelongsToTheContent) {
  PageSet set({}, kPlenty);
  put_page(set, 7, plain(1));
  put_page(set, 7, plain(3));
  EXPECT_EQ(set.pages().front().checksum, ltx::page_checksum(7, plain(3)));
}

TEST(PageSet, ANewPassKeepsThePagesButAsksForEachAgain) {
  PageSet set({}, kPlenty);
  put_page(set, 3, plain(1));
  put_page(set, 7, plain(2));
  set.begin_pass();
  EXPECT_FALSE(set.put_in_this_pass(3));
  const std::uint64_t memory = set.memory_bytes();
  put_page(set, 3, plain(1));
  EXPECT_TRUE(set.put_in_this_pass(3));
  EXPECT_FALSE(set.put_in_this_pass(7));
  EXPECT_EQ(set.memory_bytes(), memory) << "the same content is not stored twice";
  put_page(set, 7, plain(4));
  EXPECT_TRUE(set.put_in_this_pass(7));
  EXPECT_EQ(page_of(set, 7, kPageSize), plain(4));
}

TEST(PageSet, TruncateForgetsWhatIsAbove) {
  PageSet set({}, kPlenty);
  for (std::uint32_t page = 1; page <= 5; ++page) put_page(set, page, plain(1));
  set.truncate(3);
  EXPECT_EQ(numbers(set), (std::vector<std::uint32_t>{1, 2, 3}));
  put_page(set, 4, plain(9));
  EXPECT_EQ(page_of(set, 4, kPageSize), plain(9));
}

TEST(PageSet, RewrittenPagesDoNotGrowPastTheLimit) {
  const TempDir spool;
  PageSet set(spool.path(), 10 * kPageSize);
  base::Bytes last;
  for (int i = 0; i < 200; ++i) {
    last = noise();
    put_page(set, 1, last);
    put_page(set, 2, plain(2));
  }
  EXPECT_FALSE(spilled(set));
  EXPECT_LT(set.memory_bytes(), 30 * kPageSize);
  EXPECT_EQ(page_of(set, 1, kPageSize), last);
  EXPECT_EQ(page_of(set, 2, kPageSize), plain(2));
}

TEST(PageSet, SpillsToAFileThatHasNoNameAndReadsBack) {
  const TempDir spool;
  PageSet set(spool.path(), 4 * kPageSize);
  std::vector<base::Bytes> pages;
  for (std::uint32_t page = 1; page <= 20; ++page) {
    pages.push_back(noise());
    put_page(set, page, pages.back());
  }
  EXPECT_TRUE(spilled(set));
  EXPECT_TRUE(std::filesystem::is_empty(spool.path()));
  pages[4] = noise();
  put_page(set, 5, pages[4]);
  for (std::uint32_t page = 1; page <= 20; ++page) {
    EXPECT_EQ(page_of(set, page, kPageSize), pages[page - 1]) << page;
  }
}

TEST(PageSet, IsUsableInMemoryAgainAfterClear) {
  const TempDir spool;
  PageSet set(spool.path(), 2 * kPageSize);
  for (std::uint32_t page = 1; page <= 5; ++page) put_page(set, page, noise());
  ASSERT_TRUE(spilled(set));
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.memory_bytes(), 0U);
  put_page(set, 1, plain(4));
  EXPECT_FALSE(spilled(set));
  EXPECT_EQ(page_of(set, 1, kPageSize), plain(4));
}

TEST(PageSet, ReportsASpoolThatCannotBeWrittenAndKeepsWhatItHas) {
  const TempDir spool;
  PageSet set(spool / "missing", 2 * kPageSize);
  const base::Bytes first = noise();
  put_page(set, 1, first);
  const base::Bytes second = noise();
  const auto failed = set.put(2, second, ltx::page_checksum(2, second));
  const base::Bytes third = noise();
  const auto failed_again = set.put(3, third, ltx::page_checksum(3, third));
  EXPECT_TRUE(!failed || !failed_again);
  EXPECT_EQ(page_of(set, 1, kPageSize), first);
  EXPECT_FALSE(set.contains(3));
}

// No file of this process may grow past a size: what a full disk looks like from here.
class FullDisk {
 public:
  explicit FullDisk(rlim_t limit_bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit full{limit_bytes, before_.rlim_max};
    CHECK(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

TEST(PageSet, OnAFullDiskASpillFailsAndWhatIsInMemoryStaysReadable) {
  const TempDir spool;
  PageSet set(spool.path(), 2 << 20);
  const base::Bytes first = noise();
  put_page(set, 1, first);
  const FullDisk full(1 << 20);
  bool failed = false;
  for (std::uint32_t page = 2; page <= 520; ++page) {
    const base::Bytes next = noise();
    failed = failed || !set.put(page, next, ltx::page_checksum(page, next));
  }
  EXPECT_TRUE(failed);
  EXPECT_EQ(page_of(set, 1, kPageSize), first);
}

}  // namespace
}  // namespace engine
