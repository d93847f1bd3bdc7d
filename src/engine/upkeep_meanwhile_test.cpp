// What becomes known while a visit waits for the store.
#include <mutex>

#include <gtest/gtest.h>

#include "engine/upkeep.h"
#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using storage::OperationKind;
using namespace std::chrono_literals;

// Passes on to a store in memory, and keeps the answers back that are to come later: what was asked for has happened.
class LateStore final : public storage::ObjectStore {
 public:
  explicit LateStore(storage::ObjectStore& inner) : inner_(inner) {}

  void put(storage::PutRequest r, storage::CallContext c, storage::Callback<storage::PutResult> done) override {
    const bool late = keeps_back({OperationKind::put, r.key.value});
    inner_.put(std::move(r), std::move(c), later<storage::PutResult>(late, std::move(done)));
  }
  void get(storage::GetRequest r, storage::CallContext c, storage::Callback<base::Bytes> done) override {
    inner_.get(std::move(r), std::move(c), std::move(done));
  }
  void head(base::ObjectKey key, storage::CallContext c, storage::Callback<storage::ObjectHead> done) override {
    inner_.head(std::move(key), std::move(c), std::move(done));
  }
  void list(storage::ListRequest r, storage::CallContext c, storage::Callback<storage::ListPage> done) override {
    const bool late = keeps_back({OperationKind::list, r.prefix});
    inner_.list(std::move(r), std::move(c), later<storage::ListPage>(late, std::move(done)));
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext c,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override {
    inner_.remove(std::move(keys), std::move(c), std::move(done));
  }
  [[nodiscard]] storage::KeyLayout layout() const override { return inner_.layout(); }
  [[nodiscard]] std::string display_url() const override { return inner_.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return inner_.counts(); }

  std::function<bool(const storage::Operation&)> keeps_back = [](const auto&) { return false; };
  [[nodiscard]] std::size_t kept_back() {
    const std::scoped_lock lock(mutex_);
    return answers_.size();
  }
  void answer() {
    keeps_back = [](const auto&) { return false; };
    std::vector<std::move_only_function<void()>> answers;
    {
      const std::scoped_lock lock(mutex_);
      answers = std::exchange(answers_, {});
    }
    for (auto& each : answers) each();
  }

 private:
  template <typename T>
  storage::Callback<T> later(bool late, storage::Callback<T> done) {
    if (!late) return done;
    return [this, done = std::move(done)](base::Result<T> result) mutable {
      const std::scoped_lock lock(mutex_);
      answers_.push_back([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
    };
  }

  storage::ObjectStore& inner_;
  std::mutex mutex_;
  std::vector<std::move_only_function<void()>> answers_;
};

class MeanwhileTest : public engine::testing::UpkeepTest {
 protected:
  MeanwhileTest() { policy_.retention = {false, 2h, 0h, 0h, 0h, 0h}; }
  storage::ObjectStore& used_store() override { return late_; }

  // Time passes a second at a time while nothing else happens.
  void step_until(const std::function<bool()>& done) {
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t seen = wakes();
      const auto due = upkeep_->step();
      if (done()) return;
      if (due && *due <= clock_.steady_now()) continue;
      std::unique_lock lock(mutex_);
      if (!woken_.wait_for(lock, 2ms, [&] { return wakes_ != seen; })) clock_.advance(1s);
    }
    FAIL() << "it does not come: " << unsettled() << " unsettled, " << late_.kept_back() << " kept back";
  }
  // An hour of commits that the policy does not want any more, given up but not yet sent.
  void give_up_an_hour() {
    start();
    commit_image(20);
    commits(100);
    while (unsettled() == 0) pass(1min);
    ASSERT_EQ(operations(OperationKind::remove), 0U);
  }
  void expect_inventory_is_the_bucket() const {
    const history::Inventory known = *ledger_->inventory().present(record_.row);
    EXPECT_EQ(known.size(), bucket().size());
    for (const history::Object& object : bucket()) EXPECT_NE(known.find(history::name_of(object)), nullptr);
  }

  LateStore late_{*store_};
};

// The pages of the listing are from before, its record is from after the removal.
TEST_F(MeanwhileTest, WhatIsRemovedWhileTheBucketIsListedIsNotThereAfterwards) {
  options_.cache_bytes_max = 0;
  give_up_an_hour();
  const std::size_t given_up = unsettled();
  // An object that a merge needs is missing, so the bucket is listed anew.
  commit({2});
  const base::ObjectKey missing = key({base::Level{0}, base::Txid{txid_}, base::Txid{txid_}});
  const base::Bytes bytes = *store_->peek(missing.value);
  ASSERT_TRUE(storage::remove_and_wait(*store_, {missing}).has_value());
  for (int i = 0; i < 48; ++i) commit({2});
  late_.keeps_back = [&](const storage::Operation& o) {
    return o.kind == OperationKind::list && o.key == storage::replica_path(id_) + "/";
  };
  step_until([&] { return !*ledger_->inventory().known(record_.row); });
  storage::PutRequest back;
  back.key = missing;
  back.body = std::make_shared<storage::MemoryBody>(bytes);
  ASSERT_TRUE(storage::put_and_wait(*store_, std::move(back)).has_value());
  step_until([&] { return late_.kept_back() > 0; });
  ASSERT_EQ(unsettled(), given_up) << "the page that is on its way names them";
  step_until([&] { return unsettled() == 0; });
  EXPECT_EQ(probe_.removed_objects, given_up);
  late_.answer();
  run();
  EXPECT_TRUE(*ledger_->inventory().known(record_.row));
  expect_inventory_is_the_bucket();
  EXPECT_TRUE(restorable(txid_));
}

// The visit began when the point was not pinned, and plans when it is.
TEST_F(MeanwhileTest, APinThatIsLearnedWhileAVisitMergesIsInItsPlan) {
  options_.compaction.plan_bytes_floor = 1024;
  give_up_an_hour();
  ASSERT_TRUE(store_pin(*store_, {id_, {base::Txid{14}, std::nullopt, "kept"}, clock_.unix_now()}).has_value());
  late_.keeps_back = [&](const storage::Operation& o) {
    return o.kind == OperationKind::put && o.key.find("/0000/") == std::string::npos;
  };
  clock_.advance(3h);  // so retention is due, and so is the batch, before which pins are read
  for (int i = 0; i < 12; ++i) commit({1, 2});
  step_until([&] { return late_.kept_back() > 0 && unsettled() <= 1; });  // the merge, and all was taken back
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  late_.answer();
  run();
  EXPECT_GT(unsettled(), 20U) << "the same visit has gone on to retention";
  pass(24h);
  EXPECT_TRUE(restorable(14));
  EXPECT_FALSE(restorable(15));
  EXPECT_GT(operations(OperationKind::remove), 0U);
  expect_inventory_is_the_bucket();
}

// A visit that has no retention to do, and nothing else afterwards.
TEST_F(MeanwhileTest, APinThatIsLearnedDuringAVisitWithoutRetentionLeadsToOneMore) {
  give_up_an_hour();
  const std::size_t given_up = unsettled();
  ASSERT_TRUE(store_pin(*store_, {id_, {base::Txid{14}, std::nullopt, "kept"}, clock_.unix_now()}).has_value());
  late_.keeps_back = [&](const storage::Operation& o) {
    return o.kind == OperationKind::put && o.key.find("/0000/") == std::string::npos;
  };
  for (int i = 0; i < 12; ++i) commit({1, 2});
  step_until([&] { return late_.kept_back() > 0 && unsettled() <= 1; });
  late_.answer();
  run();
  EXPECT_GT(unsettled(), given_up / 2) << "planned again at once, with the pin";
  settle();
  EXPECT_TRUE(restorable(14));
  EXPECT_FALSE(restorable(15));
  expect_inventory_is_the_bucket();
}

}  // namespace
}  // namespace engine
