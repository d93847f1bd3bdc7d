#include "history/retention.h"

#include <chrono>
#include <map>

#include <gtest/gtest.h>

#include "history/calendar.h"
#include "history/history_testing.h"
#include "history/restore_plan.h"

namespace history {
namespace {

using base::Txid;
using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::commits;
using testing::kMonday;
using testing::object;
using testing::with;

// "0:2-2 9:1-4": level and range of what may go.
std::string text(const std::vector<Removal>& removals) {
  std::string all;
  for (const Removal& r : removals) {
    all += (all.empty() ? "" : " ") + std::to_string(r.object.level.value) + ":" + std::to_string(r.object.min.value) +
           "-" + std::to_string(r.object.max.value);
  }
  return all;
}

std::string text(const std::vector<KeptPoints>& kept) {
  std::string all;
  for (const KeptPoints& k : kept) {
    all += (all.empty() ? "" : ", ") + std::to_string(k.first.value);
    if (k.last != k.first) all += ".." + std::to_string(k.last.value);
    for (const KeepReason reason : k.reasons) all += " " + std::string(to_string(reason));
  }
  return all;
}

constexpr RetentionPolicy kWindowOnly{
    .off = false, .window = hours{24}, .hourly = {}, .daily = {}, .weekly = {}, .monthly = {}};

TEST(Retention, AnEmptyBackupHasNothingToLose) {
  const auto plan = plan_retention(Inventory{}, {}, {}, kMonday);
  EXPECT_TRUE(plan.removals.empty() && plan.kept.empty() && !plan.next_due);
}

TEST(Retention, TheWindowKeepsEveryPointAndTheStateAtItsBeginning) {
  // Full images each hour, so that nothing is needed for another's sake.
  std::vector<Object> images;
  for (std::uint64_t i = 1; i <= 40; ++i) images.push_back(object(9, 1, i, kMonday + hours{i}));
  const auto plan = plan_retention(Inventory(images), kWindowOnly, {}, kMonday + hours{40} + minutes{30});
  EXPECT_EQ(text(plan.kept), "15..39 window, 40 newest window");  // 16:00 and later, and 15:00 for times before that
  EXPECT_EQ(plan.removals.size(), 14U);
  EXPECT_EQ(plan.next_due, kMonday + hours{41});
}

TEST(Retention, AWindowIsNeverShorterThanTheGrace) {
  std::vector<Object> images;
  for (std::uint64_t i = 1; i <= 8; ++i) images.push_back(object(9, 1, i, kMonday + minutes{i * 20}));
  RetentionPolicy policy = kWindowOnly;
  policy.window = minutes{0};
  const auto plan = plan_retention(Inventory(images), policy, {}, kMonday + minutes{170});
  // 01:00 is the beginning of the window, and 00:40 stands there.
  EXPECT_EQ(text(plan.removals), "9:1-1");
}

TEST(Retention, TheLastPointOfEachSlotStays) {
  std::vector<Object> images;
  std::uint64_t txid = 0;
  for (int day = 0; day < 60; ++day) {
    for (const int hour : {3, 15}) images.push_back(object(9, 1, ++txid, kMonday + days{day} + hours{hour}));
  }
  const RetentionPolicy policy{
      .off = false, .window = hours{24}, .hourly = days{2}, .daily = days{4}, .weekly = days{21}, .monthly = days{70}};
  const auto plan = plan_retention(Inventory(images), policy, {}, kMonday + days{60});
  // 62: 31 January. 98, 112: Sundays (the eighth week has begun). 114, 116: days. 117 and 118 are older than the
  // window.
  EXPECT_EQ(text(plan.kept),
            "62 monthly, 84 weekly, 98 weekly, 112 weekly, 114 daily, 116 daily, 117 hourly, 118..119 window, "
            "120 newest window hourly daily weekly monthly");
}

TEST(Retention, WhatAKeptPointNeedsStaysAndNoMore) {
  // The planner starts at the snapshot 1-4; 2-5 reaches farther than 5-5.
  const auto inventory = with({object(0, 1, 1, kMonday), object(9, 1, 4, kMonday), object(1, 2, 5, kMonday)},
                              commits(2, 7, kMonday, minutes{1}));
  const auto plan = plan_retention(inventory, kWindowOnly, {}, kMonday + days{3});
  EXPECT_EQ(text(plan.removals), "0:1-1 0:2-2 0:3-3 0:4-4 0:5-5");
}

TEST(Retention, ReasonsSayWhetherThePointItselfGoes) {
  const auto inventory = with({object(0, 1, 1, kMonday), object(9, 1, 3, kMonday + minutes{2})},
                              commits(2, 3, kMonday + minutes{1}, minutes{1}));
  const auto plan = plan_retention(inventory, kWindowOnly, {}, kMonday + days{3});
  ASSERT_EQ(text(plan.removals), "0:1-1 0:2-2 0:3-3");
  EXPECT_EQ(plan.removals[1].why, RemovalReason::expired);
  EXPECT_EQ(plan.removals[2].why, RemovalReason::superseded);
  EXPECT_EQ(plan.removed_bytes, 3000U);
  EXPECT_EQ(plan.kept_bytes, 1000U);
}

TEST(Retention, APinKeepsItsPointUntilItsTime) {
  std::vector<Object> images;
  for (std::uint64_t i = 1; i <= 6; ++i) images.push_back(object(9, 1, i * 10, kMonday + hours{i}));
  const std::vector<Pin> pins{{Txid{30}, std::nullopt, "before the migration"}, {Txid{45}, kMonday + days{9}, ""}};
  const auto plan = plan_retention(Inventory(images), kWindowOnly, pins, kMonday + days{8});
  EXPECT_EQ(text(plan.kept), "30 pinned, 40 pinned, 60 newest");
  EXPECT_EQ(plan.next_due, kMonday + days{9});
  const auto later = plan_retention(Inventory(images), kWindowOnly, pins, kMonday + days{9});
  EXPECT_EQ(text(later.kept), "30 pinned, 60 newest");
  EXPECT_EQ(later.next_due, std::nullopt);
}

TEST(Retention, OffRemovesNothing) {
  RetentionPolicy off;
  off.off = true;
  const auto plan = plan_retention(Inventory(commits(1, 9, kMonday, hours{1})), off, {}, kMonday + days{1000});
  EXPECT_TRUE(plan.removals.empty());
  EXPECT_EQ(plan.next_due, std::nullopt);
}

TEST(Retention, ABrokenHistoryIsNotTouched) {
  const auto plan =
      plan_retention(with({object(9, 1, 3, kMonday), object(9, 1, 2, kMonday)}, commits(5, 9, kMonday, minutes{1})), {},
                     {}, kMonday + days{1000});
  EXPECT_TRUE(plan.removals.empty());
}

TEST(Retention, WhatARemovalThatWasCutShortHasLeftGoesTheNextTime) {
  // 2-2 is gone, 3-3 to 5-5 hang in the air; the newest points are in the window, and their chain must stay.
  const UnixMillis now = kMonday + days{9};
  auto inventory = with({object(0, 1, 1, kMonday), object(1, 2, 6, kMonday + hours{1})}, commits(3, 5, kMonday, {}));
  inventory.add(object(0, 7, 7, now - hours{1}));
  inventory.add(object(0, 8, 8, now));
  EXPECT_EQ(text(plan_retention(inventory, kWindowOnly, {}, now).removals), "0:3-3 0:4-4 0:5-5");
  inventory.remove({base::Level{0}, Txid{7}, Txid{7}});
  inventory.add(object(1, 7, 8, now));
  inventory.add(object(0, 4, 4, now - hours{2}));
  EXPECT_EQ(text(plan_retention(inventory, kWindowOnly, {}, now).removals), "0:3-3 0:5-5");
}

TEST(Retention, AYoungMergeDoesNotYetLetItsInputsGo) {
  const UnixMillis now = kMonday + days{9};
  auto inventory = with({object(9, 1, 1, kMonday)}, commits(2, 5, kMonday, minutes{1}));
  Object merge = object(1, 2, 5, kMonday + minutes{3});
  merge.stored_at = now - minutes{10};
  inventory.add(merge);
  const auto early = plan_retention(inventory, kWindowOnly, {}, now);
  EXPECT_EQ(text(early.removals), "");
  ASSERT_EQ(early.next_due, now + hours{1});
  EXPECT_EQ(text(plan_retention(inventory, kWindowOnly, {}, *early.next_due).removals), "0:2-2 0:3-3 0:4-4 0:5-5");
}

TEST(RetentionClockless, NoClockTakesTheNewestPointOrWhatItNeeds) {
  const auto inventory = with({object(9, 1, 1, kMonday)}, commits(2, 30, kMonday, hours{1}));
  for (const days jump : {days{-36'500}, days{-1}, days{0}, days{1}, days{36'500}}) {
    auto left = inventory;
    for (const Removal& r : plan_retention(inventory, {}, {}, kMonday + jump).removals) left.remove(name_of(r.object));
    const auto plan = plan_restore(left, {});
    ASSERT_TRUE(plan) << jump.count();
    EXPECT_EQ(plan->back().max, Txid{30});
  }
}

TEST(RetentionClockless, AClockThatWentBackRemovesNothing) {
  const auto inventory = with({object(9, 1, 1, kMonday)}, commits(2, 30, kMonday, hours{1}));
  EXPECT_TRUE(plan_retention(inventory, {}, {}, kMonday - days{36'500}).removals.empty());
}

TEST(RetentionClockless, ObjectsFromTheFutureAgeWithThoseThatFollow) {
  std::vector<Object> images;
  for (std::uint64_t i = 1; i <= 9; ++i) images.push_back(object(9, 1, i, kMonday + hours{i}));
  images[3].created_at += days{36'500};
  images[4].created_at += days{36'500};
  EXPECT_EQ(text(plan_retention(Inventory(images), kWindowOnly, {}, kMonday + days{9}).kept), "9 newest");
}

}  // namespace
}  // namespace history
