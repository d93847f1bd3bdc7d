#include "engine/budget.h"

#include <optional>

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(Places, AreAsManyAsWereMadeAndComeBack) {
  Places places(2);
  int called = 0;
  auto first = places.try_take([&] { ++called; });
  auto second = places.try_take([&] { ++called; });
  EXPECT_TRUE(first.held() && second.held());
  EXPECT_FALSE(places.try_take([&] { ++called; }).held());
  EXPECT_EQ(called, 0);
  first.leave();
  EXPECT_EQ(called, 1) << "who found none is told";
  first.leave();
  EXPECT_TRUE(places.try_take([] {}).held()) << "given back at once, as nobody kept it";
  auto third = places.try_take([] {});
  EXPECT_TRUE(third.held());
  EXPECT_FALSE(places.try_take([] {}).held()) << "leaving twice gives back once";
}

TEST(Places, OneThatNobodyWantsAnyMoreDoesNotStopTheQueue) {
  Places places(1);
  std::optional<Places::Place> held = places.try_take([] {});
  bool served = false;
  (void)places.try_take([] {});  // has gone away meanwhile
  (void)places.try_take([&] { served = true; });
  held.reset();
  EXPECT_TRUE(served);
}

TEST(MemoryBudget, IsExceededOnlyAboveItsLimit) {
  MemoryBudget budget(100);
  budget.change(100);
  EXPECT_FALSE(budget.exceeded());
  budget.change(1);
  EXPECT_TRUE(budget.exceeded());
  budget.change(-2);
  EXPECT_FALSE(budget.exceeded());
  EXPECT_EQ(budget.used(), 99);
}

}  // namespace
}  // namespace engine
