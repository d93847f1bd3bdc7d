#include "engine/range_fetcher.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;

class Fetcher : public testing::Test {
 protected:
  Fetcher() {
    bytes_.resize(1000);
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::uint8_t>(i % 251);
    storage::PutRequest request;
    request.key = key_;
    request.body = std::make_shared<storage::MemoryBody>(bytes_);
    EXPECT_TRUE(storage::put_and_wait(store_, std::move(request)));
  }
  RangeFetcher::NextRange ranges(std::size_t count, std::uint64_t length) {
    return [this, count, length, i = std::size_t{0}]() mutable -> std::optional<Range> {
      if (i == count) return std::nullopt;
      ++asked_;
      const std::uint64_t offset = i++ * length;
      return Range{key_, offset, length, i};
    };
  }

  storage::MemoryStore store_;
  base::ObjectKey key_{"k"};
  base::Bytes bytes_;
  std::size_t asked_ = 0;
};

TEST_F(Fetcher, HandsOutWhatWasAskedForInOrder) {
  RangeFetcher fetcher(store_, ranges(100, 10), {.parallel = 7, .context = {}});
  base::Bytes all;
  for (std::size_t i = 1; i <= 100; ++i) {
    const auto part = fetcher.next();
    ASSERT_TRUE(part) << part.error().message;
    EXPECT_EQ(part->range.tag, i);
    all.insert(all.end(), part->bytes.begin(), part->bytes.end());
  }
  EXPECT_EQ(all, bytes_);
}

TEST_F(Fetcher, AsksForNoMoreThanMayWait) {
  RangeFetcher fetcher(store_, ranges(10, 100), {.parallel = 9, .waiting_bytes_max = 250, .context = {}});
  ASSERT_TRUE(fetcher.next());
  EXPECT_EQ(asked_, 3U) << "two under way, one held back for lack of room";
}

TEST_F(Fetcher, ARangeLargerThanTheRoomComesAlone) {
  RangeFetcher fetcher(store_, ranges(2, 500), {.parallel = 4, .waiting_bytes_max = 10, .context = {}});
  EXPECT_TRUE(fetcher.next());
  EXPECT_TRUE(fetcher.next());
}

TEST_F(Fetcher, AnObjectShorterThanListedIsCorruptAndNamed) {
  RangeFetcher fetcher(store_, ranges(1, 1001), {.context = {}});
  const auto part = fetcher.next();
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().category, Category::corrupt);
  EXPECT_EQ(part.error().message, "k: 1000 bytes where the listing promised 1001");
}

TEST_F(Fetcher, DestructionEndsWhatIsUnderWay) {
  std::optional<RangeFetcher> fetcher;
  fetcher.emplace(store_, ranges(10, 100), FetchOptions{.parallel = 3, .context = {}});
  ASSERT_TRUE(fetcher->next());
  store_.pause();
  static_cast<void>(fetcher->next());  // one of those that were under way; others now wait in the store
  fetcher.reset();
  store_.resume();
}

}  // namespace
}  // namespace engine
