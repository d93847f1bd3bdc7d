#include "engine/read_ahead.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

constexpr std::uint64_t kPlenty = 1ULL << 30;

TEST(ReadAhead, AJumpBringsTheBlockThatThePageLiesIn) {
  ReadAhead ahead(4096, 1000, kPlenty);
  EXPECT_EQ(ahead.window(1, 0, 0), (PageWindow{1, 16, false}));
  EXPECT_EQ(ahead.window(500, 0, 0), (PageWindow{497, 512, false}));
  EXPECT_EQ(ahead.window(1000, 0, 0), (PageWindow{993, 1000, false})) << "not beyond the end";
}

TEST(ReadAhead, GoingOnBringsTwiceAsMuchEachTimeInBothDirectionsUpToABound) {
  ReadAhead up(4096, 1'000'000, kPlenty);
  EXPECT_EQ(up.window(16, 0, 0), (PageWindow{1, 16, false}));
  EXPECT_EQ(up.window(17, 0, 0), (PageWindow{17, 48, true}));
  EXPECT_EQ(up.window(49, 0, 0), (PageWindow{49, 112, true}));
  std::uint32_t next = 113;
  PageWindow window;
  for (int i = 0; i < 20; ++i) {
    window = up.window(next, 0, 0);
    next = window.last + 1;
  }
  EXPECT_EQ(window.last - window.first + 1, (8U << 20) / 4096);

  ReadAhead down(4096, 1'000'000, kPlenty);
  EXPECT_EQ(down.window(1000, 0, 0), (PageWindow{993, 1008, false}));
  EXPECT_EQ(down.window(992, 0, 0), (PageWindow{961, 992, true}));
  EXPECT_EQ(down.window(960, 0, 0), (PageWindow{897, 960, true}));
}

TEST(ReadAhead, EightPlacesAreFollowedSideBySideAndTheOldestIsForgotten) {
  ReadAhead ahead(4096, 1'000'000, kPlenty);
  for (std::uint32_t i = 0; i < 8; ++i) ahead.window(i * 10'000 + 16, 0, 0);
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_TRUE(ahead.window(i * 10'000 + 17, 0, 0).going_on) << i;
  ahead.window(900'000, 0, 0);
  EXPECT_FALSE(ahead.window(49, 0, 0).going_on);
  EXPECT_TRUE(ahead.window(70'000 + 49, 0, 0).going_on);
}

TEST(ReadAhead, BlocksGrowWhileTheyAreOfUseAndShrinkWhenTheyAreNot) {
  ReadAhead ahead(4096, 40'000'000, kPlenty);
  std::uint64_t brought = 0;
  std::uint64_t used = 0;
  std::uint32_t page = 1;
  const auto jump = [&](std::uint64_t used_of_it) {
    page += 10'007;
    const PageWindow window = ahead.window(page, brought, used);
    EXPECT_FALSE(window.going_on);
    brought += window.last - window.first + 1;
    used += used_of_it;
    return window.last - window.first + 1;
  };
  for (int i = 0; i < 31; ++i) EXPECT_EQ(jump(8), 16U);
  EXPECT_EQ(jump(8), 32U);
  for (int i = 0; i < 200; ++i) jump(200);
  EXPECT_EQ(jump(200), 256U) << "1 MiB";
  for (int i = 0; i < 200; ++i) jump(1);
  EXPECT_EQ(jump(1), 16U);
}

TEST(ReadAhead, NoWindowIsLargerThanItMayBeButForOnePage) {
  ReadAhead small(65536, 100, 1);
  EXPECT_EQ(small.window(7, 0, 0), (PageWindow{7, 7, false}));
  EXPECT_EQ(small.window(8, 0, 0), (PageWindow{8, 8, true}));
  ReadAhead some(4096, 1000, 8 * 4096);
  some.window(1, 0, 0);
  EXPECT_EQ(some.window(9, 0, 0), (PageWindow{9, 16, true}));
}

}  // namespace
}  // namespace engine
