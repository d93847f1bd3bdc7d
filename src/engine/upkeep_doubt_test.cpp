// An inventory that an audit found to be wrong while upkeep works.
#include <gtest/gtest.h>

#include "engine/upkeep.h"
#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using storage::OperationKind;
using namespace std::chrono_literals;

class UpkeepDoubt : public engine::testing::UpkeepTest {
 protected:
  [[nodiscard]] std::size_t lists() const { return operations(OperationKind::list); }
  [[nodiscard]] std::size_t recorded() { return ledger_->inventory().present(record_.row)->size(); }
  void lose(std::uint64_t txid) {
    ASSERT_TRUE(storage::remove_and_wait(*store_, {key({base::Level{0}, base::Txid{txid}, base::Txid{txid}})}));
  }
};

TEST_F(UpkeepDoubt, TheBucketIsListedOnceAndRecordedAsItIs) {
  start();
  commit_image(5);
  commits(4);
  lose(2);
  const std::size_t before = lists();
  upkeep_->list_anew(record_.row);
  run();
  EXPECT_EQ(lists(), before + 1);
  EXPECT_TRUE(*ledger_->inventory().known(record_.row));
  EXPECT_EQ(recorded(), 4U);
  commits(1);
  EXPECT_EQ(lists(), before + 1) << "and then not again";
}

// A visit plans with what it knows; nothing is taken away under it.
TEST_F(UpkeepDoubt, AVisitUnderWayEndsFirst) {
  start();
  commit_image(5);
  const auto merging = [&] { return operations(OperationKind::put) > txid_; };
  while (txid_ < 30) {  // until one of them makes a merge due
    clock_.advance(1min);
    commit({1});
    store_->pause();
    for (int i = 0; i < 100 && !merging(); ++i) upkeep_->step();
    if (merging()) break;
    store_->resume();
    run();
  }
  ASSERT_TRUE(merging());
  upkeep_->list_anew(record_.row);
  for (int i = 0; i < 10; ++i) upkeep_->step();
  EXPECT_TRUE(*ledger_->inventory().known(record_.row));
  EXPECT_GT(recorded(), 0U);
  store_->resume();
  run();
  EXPECT_TRUE(*ledger_->inventory().known(record_.row));
  EXPECT_EQ(recorded(), bucket().size());
  EXPECT_TRUE(restorable(txid_));
}

// Planned with a wrong inventory: nothing of it is asked of the store any more.
TEST_F(UpkeepDoubt, WhatWaitsToBeRemovedIsDecidedAnew) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(100);
  while (unsettled() == 0) pass(1min);
  ASSERT_EQ(operations(OperationKind::remove), 0U);
  const auto doomed = unsettled();
  upkeep_->list_anew(record_.row);
  run();
  EXPECT_LT(unsettled(), doomed);
  pass(3h);
  settle();
  EXPECT_EQ(recorded(), bucket().size());
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepDoubt, WhatAnEarlierRunGaveUpIsDecidedAnew) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(100);
  while (unsettled() == 0) pass(1min);
  start();
  ASSERT_GT(unsettled(), 0U);
  upkeep_->list_anew(record_.row);
  upkeep_->step();
  EXPECT_EQ(unsettled(), 0U);
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  pass(3h);
  settle();
  EXPECT_EQ(recorded(), bucket().size());
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepDoubt, IsWrittenDownAlsoWhileTheProcessEnds) {
  start();
  commit_image(5);
  commits(2);
  upkeep_->wind_down();
  upkeep_->list_anew(record_.row);
  upkeep_->step();
  EXPECT_FALSE(*ledger_->inventory().known(record_.row));
  start();
  commits(1);
  EXPECT_EQ(recorded(), 4U);
}

// The client asks the bucket itself meanwhile, and for a moment its row says that nothing is stored.
TEST_F(UpkeepDoubt, AClientThatStartsOverMeanwhileIsNotTakenForAnotherWriter) {
  start();
  commit_image(5);
  commits(2);
  store_->pause();
  upkeep_->list_anew(record_.row);
  const std::size_t before = lists();
  for (int i = 0; i < 100 && lists() == before; ++i) upkeep_->step();
  ASSERT_EQ(lists(), before + 1);
  ASSERT_TRUE(ledger_->start_over(record_.row));
  store_->resume();
  run();
  EXPECT_FALSE(*ledger_->inventory().known(record_.row));
  // The client found its place again.
  ASSERT_TRUE(ledger_->inventory().record_listing(*ledger_->inventory().begin_listing(record_.row), bucket()));
  commits(30);
  pass(1h);
  EXPECT_GT(probe_.merges, 0U) << "upkeep goes on";
  EXPECT_TRUE(restorable(txid_));
}

// The bucket lost its newest objects, and the client went on where it ends: what is stored now has the name of what was
// stored then.
TEST_F(UpkeepDoubt, AnObjectWithTheNameOfALostOneIsNotMergedFromTheBytesOfThatOne) {
  start();
  commit_image(9);
  for (const std::uint32_t page : {3U, 4U}) {
    clock_.advance(1min);
    commit({1, page});
    run();
  }
  const std::size_t size = bucket(0).back().size_bytes;
  lose(3);
  ASSERT_TRUE(ledger_->start_over(record_.row));
  txid_ = 2;
  pages_ = states_.at(2);
  ASSERT_TRUE(ledger_->inventory().distrust(record_.row));
  ASSERT_TRUE(ledger_->inventory().record_listing(*ledger_->inventory().begin_listing(record_.row), bucket()));
  clock_.advance(1min);
  commit({1, 7});
  run();
  ASSERT_EQ(bucket(0).back().size_bytes, size) << "or the sizes tell them apart";
  for (int i = 0; i < 30; ++i) {
    clock_.advance(1min);
    commit({1});
    run();
  }
  ASSERT_GT(probe_.merges, 0U);
  for (const auto& [txid, pages] : states_) EXPECT_EQ(restored(txid), pages) << "TXID " << txid;
}

}  // namespace
}  // namespace engine
