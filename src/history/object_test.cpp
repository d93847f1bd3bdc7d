#include "history/object.h"

#include <gtest/gtest.h>

#include "history/history_testing.h"
#include "history/restore_plan.h"

namespace history {
namespace {

using base::Level;
using base::Txid;
using testing::kMonday;
using testing::object;

TEST(Inventory, KeepsEachLevelInOrderWhateverTheOrderOfAdding) {
  Inventory inventory(std::vector{object(0, 3, 3, kMonday), object(9, 1, 2, kMonday), object(0, 1, 1, kMonday)});
  inventory.add(object(0, 2, 2, kMonday));
  inventory.add(object(10, 9, 9, kMonday));
  ASSERT_EQ(inventory.level(Level{0}).size(), 3U);
  EXPECT_EQ(inventory.level(Level{0})[1].max, Txid{2});
  EXPECT_EQ(inventory.size(), 4U);
  EXPECT_EQ(inventory.newest(), Txid{3});
  EXPECT_TRUE(inventory.level(Level{10}).empty());
}

TEST(Inventory, AnObjectOfTheSameNameTakesTheOthersPlace) {
  Object later = object(0, 1, 1, kMonday, 6);
  later.stored_at = kMonday;
  Inventory inventory(std::vector{object(0, 1, 1, kMonday, 5), later});
  EXPECT_EQ(inventory.size_bytes(), 6U);
  inventory.add(object(0, 1, 1, kMonday, 7));
  EXPECT_EQ(inventory.size(), 1U);
  EXPECT_EQ(inventory.size_bytes(), 7U);
}

TEST(Inventory, FindsAndRemovesByName) {
  Inventory inventory(testing::commits(1, 9, kMonday, {}));
  EXPECT_TRUE(inventory.remove({Level{0}, Txid{4}, Txid{4}}));
  EXPECT_FALSE(inventory.remove({Level{0}, Txid{4}, Txid{4}}));
  EXPECT_EQ(inventory.find({Level{0}, Txid{4}, Txid{4}}), nullptr);
  const std::vector<storage::LtxName> names{
      {Level{0}, Txid{1}, Txid{1}}, {Level{0}, Txid{9}, Txid{9}}, {Level{3}, {}, {}}};
  inventory.remove_all(names);
  EXPECT_EQ(inventory.size(), 6U);
  EXPECT_EQ(inventory.newest(), Txid{8});
}

TEST(Inventory, KnowsWhereALevelIsInDisorder) {
  Inventory inventory(std::vector{object(1, 1, 5, kMonday), object(1, 2, 4, kMonday), object(9, 1, 3, kMonday),
                                  object(9, 1, 4, kMonday)});
  EXPECT_FALSE(inventory.is_ascending(Level{1}));
  EXPECT_TRUE(inventory.is_ascending(Level{9}));
  EXPECT_EQ(inventory.newest(), Txid{5});
  inventory.remove({Level{1}, Txid{2}, Txid{4}});
  EXPECT_TRUE(inventory.is_ascending(Level{1}));
  inventory.add(object(1, 3, 4, kMonday));
  EXPECT_FALSE(inventory.is_ascending(Level{1}));
}

// One answer by halves, one by walking: a time that excludes nothing makes the planner walk.
TEST(InventoryPlans, ASearchByHalvesFindsWhatAWalkFinds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    testing::Random random(seed);
    Inventory ordered;
    for (std::uint64_t i = 0; i < 40; ++i) {
      const auto level = static_cast<std::uint8_t>(random.below(10));
      const std::uint64_t min = level == 9 ? 1 : 1 + random.below(40);
      const Object candidate = object(level, min, min + random.below(6), kMonday);
      Inventory with_it = ordered;
      with_it.add(candidate);
      if (with_it.is_ascending(candidate.level)) ordered = with_it;
    }
    for (std::uint64_t txid = 1; txid <= 45; ++txid) {
      std::vector<Object> below;
      for (const Object& o : ordered.objects()) {
        if (o.max <= Txid{txid}) below.push_back(o);
      }
      const auto halves = plan_restore(ordered, {.txid = Txid{txid}, .before = {}});
      const auto walk = plan_restore(Inventory(below), {.txid = {}, .before = kMonday + base::UnixMillis{1}});
      const bool walk_ends_there = walk && walk->back().max == Txid{txid};
      ASSERT_EQ(halves.has_value(), walk_ends_there) << seed << " " << txid;
      if (halves) {
        ASSERT_EQ(*halves, *walk) << seed << " " << txid;
      }
    }
  }
}

}  // namespace
}  // namespace history
