// What an operator wants for a client reaches what is merged and removed of it.
#include <gtest/gtest.h>

#include "engine/upkeep.h"
#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using storage::OperationKind;
using namespace std::chrono_literals;

const history::RetentionPolicy kShort{false, 2h, 0h, 0h, 0h, 0h};

class UpkeepPolicyTest : public engine::testing::UpkeepTest {
 protected:
  // An hour of commits that the short policy does not want any more, given up but not yet sent.
  void give_up_an_hour() {
    policy_.retention = kShort;
    start();
    commit_image(20);
    commits(100);
    while (deleting() == 0) pass(1min);
    ASSERT_EQ(operations(OperationKind::remove), 0U);
  }
  // Of the first only its last point is kept, in objects that the newest state does without.
  void two_months() {
    options_.compaction.plan_bytes_floor = 1024;
    policy_.retention = {false, 24h, 0h, 0h, 0h, std::chrono::days(3650)};
    start();
    commit_image(20);
    commits(30);
    pass(std::chrono::days(40));
    commits(200);
    pass(std::chrono::days(40));
  }
  [[nodiscard]] std::size_t deleting() { return unsettled(); }
};

TEST_F(UpkeepPolicyTest, BeforeAPolicyIsKnownNothingIsMergedOrRemoved) {
  policy_.retention = kShort;
  policy_.paused = true;
  start();
  commit_image(20);
  commits(100);
  pass(24h);
  start_without_policy();
  commits(30);
  pass(24h);
  EXPECT_EQ(bucket().size(), 131U);
  EXPECT_EQ(store_->operations().size(), 131U);
  policy_.paused = false;
  give(policy_);
  pass(24h);
  EXPECT_LT(bucket().size(), 40U);
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepPolicyTest, APausedClientKeepsEverythingAndMakesUpForItAfterwards) {
  give_up_an_hour();
  ClientPolicy paused = policy_;
  paused.paused = true;
  give(paused);
  const std::size_t before = store_->operations().size();
  pass(std::chrono::days(3));
  EXPECT_EQ(store_->operations().size(), before);
  EXPECT_EQ(deleting(), 0U) << "what was given up is an ordinary object again";
  give(policy_);
  pass(6h);
  EXPECT_GT(probe_.removed_objects, 60U);
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepPolicyTest, WhatWasGivenUpStaysWhereALongerPolicyCameInTime) {
  give_up_an_hour();
  policy_.retention = {};
  give(policy_);
  pass(12h);
  EXPECT_EQ(deleting(), 0U);
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

TEST_F(UpkeepPolicyTest, OffComesInTimeToo) {
  give_up_an_hour();
  policy_.retention.off = true;
  give(policy_);
  pass(std::chrono::days(3));
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

// Nothing is due for it, and nothing is ever stored.
TEST_F(UpkeepPolicyTest, AShorterPolicyReachesAnIdleDatabase) {
  two_months();
  ASSERT_TRUE(restorable(31)) << "the last of its month";
  policy_.retention = kShort;
  give(policy_);
  pass(2h);
  EXPECT_FALSE(restorable(31));
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepPolicyTest, AShorterPolicyOfTheNextStartReachesAnIdleDatabase) {
  two_months();
  start();
  pass(48h);
  ASSERT_TRUE(restorable(31)) << "the same policy";
  policy_.retention = kShort;
  start();
  pass(2h);
  EXPECT_FALSE(restorable(31));
  EXPECT_TRUE(restorable(txid_));
}

// After a long stop of the daemon what is due by its clock may lie in the past by the wall clock.
TEST_F(UpkeepPolicyTest, WhileRetentionsClockCatchesUpAClientIsLookedAtOnceAnHour) {
  policy_.retention = kShort;
  start();
  commit_image(20);
  commits(100);
  clock_.advance(std::chrono::days(40));
  start();
  EXPECT_TRUE(run().has_value());
  pass(48h);
  EXPECT_GT(probe_.removed_objects, 60U);
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepPolicyTest, WhatAnEarlierRunGaveUpIsNotRemovedFromAPrefixThatAnotherHostContinues) {
  give_up_an_hour();
  txid_ = 102;
  times_[102] = clock_.unix_now();
  put({base::Txid{102}, base::Txid{102}, 0, clock_.unix_now(), {}, 20, base::Level{0}}, file_of({1}, 4711));
  start();
  pass(24h);
  EXPECT_EQ(operations(OperationKind::remove), 0U);
}

}  // namespace
}  // namespace engine
