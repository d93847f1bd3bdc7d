// Stores that refuse, forget, or lie about deletions.
#include "engine/remover.h"

#include <gtest/gtest.h>

#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using base::Category;
using storage::Operation;
using storage::OperationKind;
using namespace std::chrono_literals;

// Passes on to a store in memory, but for deletions.
class StubbornStore final : public storage::ObjectStore {
 public:
  enum class Manner : std::uint8_t { obeys, lies, refuses, fails_one, loses_the_answer };
  explicit StubbornStore(storage::ObjectStore& inner) : inner_(inner) {}

  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override {
    inner_.put(std::move(request), std::move(context), std::move(done));
  }
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override {
    inner_.get(std::move(request), std::move(context), std::move(done));
  }
  void head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) override {
    inner_.head(std::move(key), std::move(context), std::move(done));
  }
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override {
    inner_.list(std::move(request), std::move(context), std::move(done));
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override {
    ++removes;
    largest = std::max(largest, keys.size());
    if (manner == Manner::lies) return done(std::vector<storage::RemoveFailure>{});
    if (manner == Manner::refuses) return done(base::fail(Category::denied, "AccessDenied: s3:DeleteObject"));
    if (manner == Manner::loses_the_answer) {
      return inner_.remove(std::move(keys), std::move(context), [done = std::move(done)](const auto&) mutable {
        done(base::fail(Category::retry_later, "connection reset"));
      });
    }
    if (manner == Manner::fails_one) {
      std::vector<storage::RemoveFailure> failures{{keys.front(), {Category::retry_later, "InternalError", {}}}};
      keys.erase(keys.begin());
      return inner_.remove(
          std::move(keys), std::move(context),
          [failures, done = std::move(done)](auto answer) mutable { done(answer ? failures : answer); });
    }
    inner_.remove(std::move(keys), std::move(context), std::move(done));
  }
  [[nodiscard]] storage::KeyLayout layout() const override { return inner_.layout(); }
  [[nodiscard]] std::string display_url() const override { return inner_.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return inner_.counts(); }

  Manner manner = Manner::obeys;
  unsigned removes = 0;
  std::size_t largest = 0;

 private:
  storage::ObjectStore& inner_;
};

class RemoverTest : public engine::testing::UpkeepTest {
 protected:
  RemoverTest() { policy_.retention = {false, 2h, 0h, 0h, 0h, 0h}; }
  storage::ObjectStore& used_store() override { return stubborn_; }
  void live() {
    start();
    commit_image(20);
    commits(200);
    pass(6h);
  }
  [[nodiscard]] bool knows_everything() const {
    return ledger_->inventory().present(record_.row)->size() == bucket().size();
  }

  StubbornStore stubborn_{*store_};
};

TEST_F(RemoverTest, AStoreThatConfirmsAndKeepsStopsRetentionAndNothingIsForgotten) {
  stubborn_.manner = StubbornStore::Manner::lies;
  live();
  EXPECT_EQ(stubborn_.removes, 1U);
  EXPECT_EQ(probe_.removed_objects, 0U);
  EXPECT_NE(notices_["retention"].find("still there"), std::string::npos);
  commits(30);  // the bucket says what is left of what the store was asked for
  pass(2h);
  EXPECT_TRUE(knows_everything());
  EXPECT_EQ(unsettled(), 0U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

TEST_F(RemoverTest, WithoutPermissionRetentionStopsAndSaysWhatToDo) {
  stubborn_.manner = StubbornStore::Manner::refuses;
  live();
  EXPECT_EQ(stubborn_.removes, 1U);
  EXPECT_NE(notices_["retention"].find("-retention off"), std::string::npos);
  commits(30);
  pass(2h);
  EXPECT_TRUE(knows_everything());
}

TEST_F(RemoverTest, AKeyThatFailsIsAskedForAgain) {
  stubborn_.manner = StubbornStore::Manner::fails_one;
  live();
  stubborn_.manner = StubbornStore::Manner::obeys;
  pass(3h);
  EXPECT_GT(probe_.removed_objects, 50U);
  settle();
  EXPECT_TRUE(knows_everything());
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(RemoverTest, AStoreThatIsAwayIsAskedAgainLater) {
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::remove; },
                    {Category::retry_later, "away", {}}, 2);
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::head; },
                    {Category::throttled, "SlowDown", {}}, 1);
  live();
  pass(3h);
  EXPECT_GT(probe_.removed_objects, 50U);
  settle();
  EXPECT_TRUE(knows_everything());
}

// A plan that counts on what is gone would give up what a restore point really needs.
TEST_F(RemoverTest, WhatTheStoreWasAskedForIsNotCountedOnWhenItIsWantedAgain) {
  stubborn_.manner = StubbornStore::Manner::loses_the_answer;
  live();
  ASSERT_GT(stubborn_.removes, 0U);
  ASSERT_EQ(probe_.removed_objects, 0U);
  policy_.retention = {false, 1000h, 0h, 0h, 0h, 0h};
  give(policy_);
  pass(2h);
  EXPECT_EQ(unsettled(), 0U);
  EXPECT_TRUE(knows_everything());
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(RemoverTest, BatchesAreFullWhenThereIsMuchToDo) {
  start();
  commit_image(20);
  for (int i = 0; i < 2500; ++i) {
    clock_.advance(1s);
    commit({1, 3});
  }
  pass(12h);
  EXPECT_EQ(stubborn_.largest, 1000U);
  EXPECT_GT(probe_.removed_objects, 2000U);
  EXPECT_TRUE(restorable(txid_));
}

// What an earlier run had begun to delete is deleted by the next.
TEST_F(RemoverTest, DeletionsGoOnAfterARestart) {
  start();
  commit_image(20);
  commits(200);
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::remove; },
                    {Category::retry_later, "lost", {}}, 1, storage::MemoryStore::FaultPoint::after);
  for (int i = 0; i < 600 && unsettled() == 0; ++i) pass(1min);
  ASSERT_GT(unsettled(), 0U);
  start();
  settle();
  EXPECT_TRUE(knows_everything());
}

}  // namespace
}  // namespace engine
