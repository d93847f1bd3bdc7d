#include "engine/holdings.h"

#include <gtest/gtest.h>

#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using std::chrono::minutes;

class HoldingsTest : public testing::UpkeepTest {
 protected:
  [[nodiscard]] std::uint64_t bytes_in_bucket() const {
    std::uint64_t bytes = 0;
    for (const history::Object& object : bucket()) bytes += object.size_bytes;
    return bytes;
  }
  // What the book says is what the bucket has.
  void expect_true() {
    const auto holdings = book_->find(guid_);
    ASSERT_TRUE(holdings);
    EXPECT_EQ(holdings->objects, bucket().size());
    EXPECT_EQ(holdings->bytes, bytes_in_bucket());
    EXPECT_EQ(holdings->plan_objects, history::plan_restore(history::Inventory(bucket()), {})->size());
    EXPECT_EQ(bill_.fleet().stored_objects, bucket().size());
    EXPECT_EQ(bill_.fleet().stored_bytes, bytes_in_bucket());
  }
  void start_anew() {
    bill_.set_stored(0, 0);
    book_ = std::make_unique<HoldingsBook>(bill_, [this] { ++changes_; });
    start();
  }

  const Guid guid_ = *parse_guid(id_.value);
  int changes_ = 0;
};

TEST_F(HoldingsTest, AreWhatTheBucketHoldsWhileItIsWritten) {
  start_anew();
  EXPECT_FALSE(book_->find(guid_));
  commit_image(20);
  run();
  expect_true();
  const base::UnixMillis first = clock_.unix_now();
  for (int i = 0; i < 40; ++i) {
    commits(1);
    expect_true();
  }
  EXPECT_FALSE(bucket(1).empty()) << "something was merged";
  const auto holdings = book_->find(guid_);
  EXPECT_EQ(holdings->oldest_point, first);
  EXPECT_FALSE(holdings->last_snapshot);
  EXPECT_FALSE(holdings->failing);
}

TEST_F(HoldingsTest, AreReadFromTheInventoryAtAStart) {
  start_anew();
  commit_image(20);
  commits(30);
  const int before = changes_;
  start_anew();
  EXPECT_FALSE(book_->find(guid_));
  run();
  expect_true();
  EXPECT_GT(changes_, before);
}

TEST_F(HoldingsTest, ShrinkWhenOldObjectsAreRemoved) {
  start_anew();
  commit_image(20);
  commits(200, minutes(20));
  settle();
  ASSERT_GT(probe_.removed_objects.load(), 0U);
  run();
  expect_true();
  const auto oldest = book_->find(guid_)->oldest_point;
  ASSERT_TRUE(oldest);
  bool found = false;
  for (const auto& [txid, time] : times_) {
    if (!restorable(txid)) continue;
    EXPECT_EQ(time, *oldest) << "TXID " << txid;
    found = true;
    break;
  }
  EXPECT_TRUE(found);
}

TEST_F(HoldingsTest, TellTheLastSnapshot) {
  options_.compaction.plan_bytes_floor = 0;
  start_anew();
  commit_image(20);
  for (int i = 0; i < 100 && bucket(9).empty(); ++i) {
    clock_.advance(minutes(1));
    commit_image(20);
    run();
  }
  ASSERT_FALSE(bucket(9).empty());
  expect_true();
  EXPECT_EQ(book_->find(guid_)->last_snapshot, times_.at(bucket(9).back().max.value));
}

TEST_F(HoldingsTest, TellTheLastFailureAndWhetherItIsMended) {
  start_anew();
  commit_image(20);
  store_->fail_next(
      [](const storage::Operation& o) {
        return o.kind == storage::OperationKind::put && o.key.find("/0001/") != std::string::npos;
      },
      {base::Category::retry_later, "away", {}});
  commits(12);
  const auto failing = book_->find(guid_);
  ASSERT_TRUE(failing);
  EXPECT_TRUE(failing->failing);
  EXPECT_NE(failing->failure.find("away"), std::string::npos) << failing->failure;
  EXPECT_EQ(failing->failed_at, clock_.unix_now());
  pass(minutes(10));
  ASSERT_EQ(bucket(1).size(), 1U);
  expect_true();
  EXPECT_FALSE(book_->find(guid_)->failing);
  EXPECT_EQ(book_->find(guid_)->failure, failing->failure);
}

}  // namespace
}  // namespace engine
