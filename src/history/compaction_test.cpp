#include "history/compaction.h"

#include <chrono>

#include <gtest/gtest.h>

#include "history/history_testing.h"
#include "history/restore_plan.h"

namespace history {
namespace {

using base::Level;
using base::Txid;
using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::commits;
using testing::kMonday;
using testing::object;
using testing::with;

constexpr std::uint64_t kMiB = 1ULL << 20;

// "L1 2-13", "snapshot 14: ..." or "nothing".
std::string text(const Action& action) {
  if (const auto* merge = std::get_if<Merge>(&action)) {
    return "L" + std::to_string(merge->level.value) + " " + std::to_string(merge->inputs.front().min.value) + "-" +
           std::to_string(merge->inputs.back().max.value);
  }
  if (const auto* snapshot = std::get_if<Snapshot>(&action)) {
    return "snapshot " + std::to_string(snapshot->txid.value) + ": " + std::string(to_string(snapshot->why));
  }
  return "nothing";
}

std::string next(const Inventory& inventory, const DatabaseSize& now = {}) {
  return text(next_action(inventory, now));
}

const std::vector<Object> kImage{object(0, 1, 1, kMonday, 40 * kMiB)};

TEST(Compaction, NothingIsDueInAnEmptyBackup) {
  EXPECT_EQ(next(Inventory{}), "nothing");
}

TEST(Compaction, TwelveObjectsAreMergedAndTheImageIsNotAmongThem) {
  EXPECT_EQ(next(with(kImage, commits(2, 12, kMonday, minutes{1}))), "nothing");
  EXPECT_EQ(next(with(kImage, commits(2, 13, kMonday, minutes{1}))), "L1 2-13");
}

TEST(Compaction, WhereObjectsComeFastFourTimesAsManyAreMerged) {
  EXPECT_EQ(next(with(kImage, commits(2, 48, kMonday, seconds{1}))), "nothing");
  EXPECT_EQ(next(with(kImage, commits(2, 49, kMonday, seconds{1}))), "L1 2-49");
  auto stopped = with(kImage, commits(2, 20, kMonday, seconds{1}));
  stopped.add(object(0, 21, 21, kMonday + minutes{2} - seconds{1}));
  EXPECT_EQ(next(stopped), "nothing");
  stopped.add(object(0, 22, 22, kMonday + minutes{2}));
  EXPECT_EQ(next(stopped), "L1 2-22") << "no longer fast";
}

TEST(Compaction, ObjectsThatComeFastWaitNoLongerThanTheCacheAndThePlanHaveRoom) {
  auto large = with(kImage, commits(2, 13, kMonday, seconds{1}));
  large.add(object(0, 14, 14, kMonday + seconds{13}, 512 << 10));
  EXPECT_EQ(next(large), "L1 2-14");
  auto long_plan = Inventory(kImage);
  for (std::uint64_t i = 0; i < 11; ++i) long_plan.add(object(3, 2 + i, 2 + i, kMonday));
  for (std::uint64_t i = 11; i < 22; ++i) long_plan.add(object(2, 2 + i, 2 + i, kMonday));
  for (std::uint64_t i = 22; i < 28; ++i) long_plan.add(object(1, 2 + i, 2 + i, kMonday));
  for (std::uint64_t txid = 30; txid <= 51; ++txid) long_plan.add(object(0, txid, txid, kMonday + seconds{txid}));
  EXPECT_EQ(next(long_plan), "nothing");
  long_plan.add(object(0, 52, 52, kMonday + seconds{52}));
  EXPECT_EQ(next(long_plan), "L1 30-52") << "a plan of 52";
}

// An object less for each merge of merges.
TEST(Compaction, AMergeThatWouldBeMergedAtOnceIsNotMade) {
  auto inventory = Inventory(kImage);
  for (std::uint64_t i = 0; i < 11; ++i) inventory.add(object(1, 2 + i, 2 + i, kMonday + minutes{i}));
  for (std::uint64_t txid = 13; txid <= 23; ++txid) inventory.add(object(0, txid, txid, kMonday + minutes{txid}));
  EXPECT_EQ(next(inventory), "nothing");
  inventory.add(object(0, 24, 24, kMonday + minutes{24}));
  EXPECT_EQ(next(inventory), "L2 2-24");

  auto twice = Inventory(kImage);
  for (std::uint64_t i = 0; i < 11; ++i) twice.add(object(2, 2 + i, 2 + i, kMonday + minutes{i}));
  for (std::uint64_t i = 11; i < 22; ++i) twice.add(object(1, 2 + i, 2 + i, kMonday + minutes{i}));
  for (std::uint64_t txid = 24; txid <= 35; ++txid) twice.add(object(0, txid, txid, kMonday + minutes{txid}));
  EXPECT_EQ(next(twice), "L3 2-35");
}

TEST(Compaction, FourObjectsAreMergedWhenTheirHourIsOver) {
  auto four = with(kImage, commits(2, 5, kMonday + minutes{50}, seconds{1}));
  EXPECT_EQ(next(four), "nothing");
  four.add(object(0, 6, 6, kMonday + hours{1}));
  EXPECT_EQ(next(four), "L1 2-5");
}

TEST(Compaction, ThreeObjectsOfAnHourWaitForTheDay) {
  auto three = with(kImage, commits(2, 4, kMonday + minutes{50}, seconds{1}));
  three.add(object(0, 5, 5, kMonday + hours{2}));
  EXPECT_EQ(next(three), "nothing");
  three.add(object(0, 6, 6, kMonday + days{1}));
  EXPECT_EQ(next(three), "L1 2-5");
}

TEST(Compaction, AnHoursLeftoversGoWithItsObjectsOfLevelOne) {
  auto hour = with(kImage, {object(1, 2, 13, kMonday + minutes{10}), object(1, 14, 25, kMonday + minutes{20}),
                            object(1, 26, 37, kMonday + minutes{30}), object(1, 38, 49, kMonday + minutes{40}),
                            object(0, 50, 50, kMonday + minutes{50})});
  EXPECT_EQ(next(hour), "nothing");
  hour.add(object(0, 51, 51, kMonday + hours{1}));
  EXPECT_EQ(next(hour), "L2 2-50");
}

TEST(Compaction, ALevelGoesOnAfterASnapshot) {
  const auto after = with(kImage, commits(2, 40, kMonday, minutes{1}));
  auto inventory = after;
  inventory.add(object(1, 2, 13, kMonday + minutes{11}));
  inventory.add(object(9, 1, 20, kMonday + minutes{18}, 40 * kMiB));
  EXPECT_EQ(next(inventory), "L1 21-40");
}

TEST(Compaction, AMergeThatASnapshotCutsInTwoIsGoneOnFrom) {
  auto inventory = with(kImage, commits(2, 40, kMonday, minutes{1}));
  inventory.add(object(9, 1, 20, kMonday + minutes{18}, 40 * kMiB));
  inventory.add(object(1, 14, 25, kMonday + minutes{23}));
  EXPECT_EQ(next(inventory), "L1 26-40");
}

TEST(Compaction, ALargePlanIsAnsweredByASnapshotOfTheNewestState) {
  const auto rewritten =
      with(kImage, {object(0, 2, 2, kMonday + seconds{1}, 40 * kMiB), object(0, 3, 3, kMonday + seconds{2}, 40 * kMiB),
                    object(0, 4, 4, kMonday + seconds{3}, 1 * kMiB)});
  EXPECT_EQ(next(rewritten), "snapshot 4: a restore reads too much for what it gives");
}

TEST(Compaction, ADatabaseThatShrankGetsASnapshotAtOnce) {
  Object image = kImage.front();
  image.page_count = 10'000;
  const Inventory inventory(std::vector{image, object(0, 2, 2, kMonday, kMiB)});
  EXPECT_EQ(next(inventory, {.page_size = 4096, .page_count = 5'000}), "nothing");
  EXPECT_EQ(next(inventory, {.page_size = 4096, .page_count = 3'000}),
            "snapshot 2: a restore reads too much for what it gives");
}

TEST(Compaction, ManyObjectsOfTheSamePagesAreMergedBeforeASnapshotIsMade) {
  auto inventory = Inventory(kImage);
  for (std::uint64_t i = 2; i <= 10; ++i) inventory.add(object(0, i, i, kMonday + seconds{i}, 9 * kMiB));
  EXPECT_EQ(next(inventory), "L1 2-10");
}

TEST(Compaction, TinyDatabasesGetNoSnapshotForEachCommit) {
  auto inventory = Inventory(std::vector{object(0, 1, 1, kMonday, 500)});
  for (std::uint64_t i = 2; i <= 9; ++i) inventory.add(object(0, i, i, kMonday, 5'000));
  EXPECT_EQ(next(inventory), "nothing");
}

TEST(Compaction, ALongPlanIsAnsweredByASnapshot) {
  auto inventory = Inventory(kImage);
  for (std::uint64_t i = 0; i < 52; ++i) inventory.add(object(4, 2 + i, 2 + i, kMonday + hours{i}));
  EXPECT_EQ(next(inventory), "snapshot 53: the restore plan has become long");
}

TEST(Compaction, AHoleInTheChainIsAnsweredByASnapshot) {
  EXPECT_EQ(next(with(kImage, {object(0, 3, 3, kMonday)})),
            "snapshot 3: the newest state cannot be restored from the bucket");
  EXPECT_EQ(next(Inventory(std::vector{object(0, 2, 2, kMonday)})),
            "snapshot 2: the newest state cannot be restored from the bucket");
}

TEST(Compaction, WhatLitestreamLeftIsGoneOnFrom) {
  // Its level 0 is gone but for the last minutes; levels overlap; level 3 is at most an hour behind.
  const Inventory theirs(
      std::vector{object(9, 1, 100, kMonday, kMiB), object(3, 2, 80, kMonday), object(3, 81, 120, kMonday),
                  object(2, 81, 120, kMonday), object(2, 121, 125, kMonday), object(1, 121, 125, kMonday),
                  object(1, 126, 130, kMonday), object(0, 128, 128, kMonday), object(0, 129, 129, kMonday),
                  object(0, 130, 130, kMonday), object(0, 131, 131, kMonday)});
  EXPECT_EQ(next(theirs), "nothing");
  EXPECT_EQ(tip(theirs).size(), 5U);  // 9: 1-100, 3: 81-120, 2: 121-125, 1: 126-130, 0: 131
}

TEST(CompactionDue, SaysAfterHowManyObjectsBytesAndWhenToAskAgain) {
  const auto action = next_action(with(kImage, commits(2, 6, kMonday, seconds{1})), {});
  Due due = std::get<Nothing>(action).due;
  EXPECT_EQ(due.objects, 7U);
  EXPECT_EQ(due.created_at, kMonday + hours{1});
  EXPECT_EQ(due.size_bytes, 80 * kMiB - 5'000);
  for (std::uint64_t i = 7; i < 13; ++i) EXPECT_FALSE(due.after(object(0, i, i, kMonday)));
  EXPECT_TRUE(due.after(object(0, 13, 13, kMonday)));
  Due by_time = std::get<Nothing>(action).due;
  EXPECT_TRUE(by_time.after(object(0, 7, 7, kMonday + hours{1})));
  Due by_size = std::get<Nothing>(action).due;
  EXPECT_TRUE(by_size.after(object(0, 7, 7, kMonday, 80 * kMiB)));
  EXPECT_TRUE(Due{}.after(object(0, 7, 7, kMonday)));
}

TEST(CompactionDue, OfObjectsThatComeFastIsWhenTheyStopOrAreEnough) {
  const auto action = next_action(with(kImage, commits(2, 15, kMonday, seconds{1})), {});
  const Due due = std::get<Nothing>(action).due;
  EXPECT_EQ(due.objects, 34U);
  EXPECT_EQ(due.created_at, kMonday + minutes{2});
  EXPECT_EQ(due.size_bytes, (512U << 10) - 14 * 1'000U);
}

// Whatever grows in whatever way: the answer needs the tip only, actions end, plans stay short, merges add up.
TEST(CompactionProperty, TheTipIsEnoughAndEveryActionMakesThePlanShorter) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    testing::Random random(seed);
    Inventory inventory;
    UnixMillis now = kMonday;
    const std::uint64_t pause_ms = 1 + random.below(4) * random.below(1'800'000);
    Due due;
    for (std::uint64_t txid = 1; txid <= 400; ++txid) {
      now += UnixMillis{random.below(pause_ms)} + (random.one_in(50) ? days{random.below(9)} : days{0});
      const bool large = txid == 1 || random.one_in(60);
      const Object added = object(0, txid, txid, now, large ? 3 * kMiB : 1 + random.below(200'000));
      inventory.add(added);
      const bool asked = due.after(added);
      for (int actions = 0;; ++actions) {
        ASSERT_LT(actions, 8);
        const auto before = plan_restore(inventory, {});
        ASSERT_TRUE(before);
        const Action action = next_action(inventory, {});
        ASSERT_EQ(text(action), text(next_action(Inventory(tip(inventory)), {}))) << txid;
        if (std::holds_alternative<Nothing>(action)) {
          if (asked) due = std::get<Nothing>(action).due;
          break;
        }
        ASSERT_TRUE(asked) << "due, and nobody asked: " << text(action);
        ASSERT_TRUE(testing::carry_out(inventory, action, now));
        const auto after = plan_restore(inventory, {});
        ASSERT_TRUE(after);
        ASSERT_EQ(after->back().max, before->back().max);
        ASSERT_LT(after->size(), before->size()) << text(action);
      }
      ASSERT_LE(plan_restore(inventory, {})->size(), CompactionRules{}.plan_objects_max);
    }
  }
}

}  // namespace
}  // namespace history
