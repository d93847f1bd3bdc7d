// Histories of every kind, grown and thinned in every order: what is promised holds after every single step.
#include <chrono>

#include <gtest/gtest.h>

#include "history/history_testing.h"
#include "history/restore_plan.h"
#include "history/retention.h"

namespace history {
namespace {

using base::Txid;
using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;
using testing::kMonday;
using testing::object;

struct Promise {
  RestoreTarget target;
  std::vector<Object> plan;
};

// Of all points that are kept, with the window's single ones: a restore by TXID and by time.
std::vector<Promise> promises(const Inventory& inventory, const RetentionPlan& retention) {
  std::vector<Promise> all;
  const auto promise = [&](const RestoreTarget& target) {
    if (auto plan = plan_restore(inventory, target)) all.push_back({target, *std::move(plan)});
  };
  for (const KeptPoints& kept : retention.kept) {
    for (const Object& o : inventory.objects()) {
      if (o.max < kept.first || o.max > kept.last) continue;
      promise({.txid = o.max, .before = {}});
      promise({.txid = {}, .before = o.created_at + UnixMillis{1}});
    }
  }
  return all;
}

RetentionPolicy random_policy(testing::Random& random) {
  const auto some_days = [&](std::uint64_t max) { return days{random.one_in(3) ? 0 : random.below(max)}; };
  return {.off = false,
          .window = hours{random.below(50)},
          .hourly = some_days(4),
          .daily = some_days(12),
          .weekly = some_days(40),
          .monthly = some_days(100)};
}

TEST(RetentionProperty, AnySubsetOfTheRemovalsLeavesEveryKeptPointsPlanAsItWas) {
  std::size_t removed = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    testing::Random random(seed);
    // Any objects at all, as many as fit; times rise with TXIDs, as all writers see to.
    Inventory inventory(std::vector{object(random.one_in(2) ? 9 : 0, 1, 1, kMonday)});
    std::vector<UnixMillis> times{kMonday};
    for (int i = 0; i < 60; ++i)
      times.push_back(times.back() + UnixMillis{1 + random.below(1 + random.below(86'400'000))});
    for (std::uint64_t i = 0; i < 90; ++i) {
      const auto level = static_cast<std::uint8_t>(random.one_in(2) ? 0 : random.below(10));
      const std::uint64_t min = level == 9 ? 1 : 1 + random.below(60);
      const std::uint64_t max = std::min<std::uint64_t>(60, level == 0 ? min : min + random.below(12));
      inventory.add(object(level, min, max, times[max]));
    }
    for (std::uint64_t i = 1; i <= 60; ++i) {
      if (!random.one_in(12) || i == 60) inventory.add(object(0, i, i, times[i]));
    }
    const UnixMillis now = times[30 + random.below(31)] + hours{random.below(200)};
    const std::vector<Pin> pins{{Txid{1 + random.below(60)}, std::nullopt, ""}};
    const auto retention = plan_retention(inventory, random_policy(random), pins, now);
    const auto promised = promises(inventory, retention);

    Inventory left = inventory;
    for (int round = 0; round < 4; ++round) {
      for (const Removal& removal : retention.removals) {
        if (random.one_in(3) && left.remove(name_of(removal.object))) ++removed;
      }
      for (const Promise& p : promised) {
        const auto plan = plan_restore(left, p.target);
        ASSERT_TRUE(plan) << plan.error().message;
        ASSERT_EQ(*plan, p.plan);
      }
    }
  }
  EXPECT_GT(removed, 2'000U) << "the histories have too little to remove";
}

// A daemon that is stopped, delayed and interrupted at will, under a clock that jumps.
TEST(RetentionProperty, InAnyInterleavingTheNewestStateAndEveryKeptPointCanBeRestored) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    testing::Random random(seed);
    const RetentionPolicy policy = random_policy(random);
    const bool clock_jumps = seed % 4 == 0;
    Inventory inventory;
    UnixMillis now = kMonday;
    std::uint64_t txid = 0;
    std::vector<Removal> removals;
    std::vector<Promise> promised;
    for (int step = 0; step < 1'500; ++step) {
      const std::uint64_t kind = random.below(10);
      if (txid == 0 || kind < 4) {
        now += UnixMillis{random.below(40 * 60'000)} + (random.one_in(200) ? days{random.below(60)} : days{0});
        const UnixMillis jump = clock_jumps && random.one_in(50) ? days{36'500} : days{0};
        ++txid;
        inventory.add(object(0, txid, txid, now + jump, txid == 1 || random.one_in(40) ? 30'000 : 1'000));
      } else if (kind < 7) {
        testing::carry_out(inventory, next_action(inventory, {}, {.fanout = 4, .closing_min = 2}), now);
      } else if (kind == 7) {
        const UnixMillis jump = clock_jumps && random.one_in(4) ? days{random.one_in(2) ? 36'500 : -36'500} : days{0};
        const auto plan = plan_retention(inventory, policy, {}, now + jump);
        removals = plan.removals;
        promised = promises(inventory, plan);
      } else if (!removals.empty()) {
        // Any one of them, also long after they were found: a merge that has come meanwhile does not need them.
        const std::size_t which = random.below(removals.size());
        inventory.remove(name_of(removals[which].object));
        removals.erase(removals.begin() + static_cast<std::ptrdiff_t>(which));
      }
      const auto newest = plan_restore(inventory, {});
      ASSERT_TRUE(newest) << step << ": " << newest.error().message;
      ASSERT_EQ(newest->back().max, Txid{txid}) << step;
      ASSERT_EQ(newest->front().min, Txid{1}) << step;
      if (step % 7 != 0) continue;
      for (const Promise& p : promised) {
        if (p.target.before && clock_jumps) continue;  // times are no order then
        const auto plan = plan_restore(inventory, p.target);
        ASSERT_TRUE(plan) << step << ": " << plan.error().message;
        ASSERT_EQ(plan->back().max, p.plan.back().max) << step;
      }
    }
  }
}

}  // namespace
}  // namespace history
