// Very much is to be removed at once: what waits in memory stays within its bound, and all of it goes in the end.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "engine/upkeep.h"
#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using storage::OperationKind;
using namespace std::chrono_literals;

class RemovalBacklog : public engine::testing::UpkeepTest {
 protected:
  RemovalBacklog() {
    options_.removals_max = 3000;
    options_.removals_share = 500;
    policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
    ledgers_.push_back(std::move(*Ledger::open(dir_ / "state.db")));
    ledger_ = ledgers_.back().get();
  }

  struct Tenant {
    base::DatabaseId id;
    std::int64_t row = 0;
  };

  // Has so many objects of a day ago that a snapshot covers, and one that shows whose they are.
  Tenant tenant(std::uint64_t objects) {
    const std::uint64_t number = tenants_.size();
    Tenant one{base::DatabaseId{base::hex16(number).substr(8) + "-2222-3333-4444-555555555555"}, 0};
    one.row = ledger_->find_or_create(one.id, "/clients/" + one.id.value + ".db", clock_.unix_now())->row;
    const base::UnixMillis then = clock_.unix_now() - 24h;
    const base::Txid newest{objects + 1};
    std::vector<history::Object> listed;
    for (std::uint64_t txid = 1; txid <= objects; ++txid) listed.push_back(object(0, txid, txid, then));
    listed.push_back(object(9, 1, objects, then));
    for (const history::Object& each : listed) store_object(one.id, each, base::Bytes(1));
    InventoryTable& table = ledger_->inventory();
    EXPECT_TRUE(*table.record_listing(*table.begin_listing(one.row), listed));
    Acknowledgement ack;
    ack.txid = newest;
    ack.page_size = engine::testing::kUpkeepPageSize;
    ack.page_count = 1;
    ack.at = then;
    ack.object = object(0, newest.value, newest.value, then);
    txid_ = newest.value;
    pages_[1] = base::Bytes(engine::testing::kUpkeepPageSize, 1);
    store_object(one.id, *ack.object, file_of({1}, ledger_->lineages().current()));
    EXPECT_TRUE(ledger_->acknowledge(one.row, ack).has_value());
    tenants_.push_back(one);
    return one;
  }
  static history::Object object(std::uint8_t level, std::uint64_t min, std::uint64_t max, base::UnixMillis at) {
    return {base::Txid{min}, base::Txid{max}, 1, at, at, 1, base::Level{level}};
  }
  void store_object(const base::DatabaseId& id, const history::Object& each, base::Bytes bytes) {
    storage::PutRequest request;
    request.key = storage::ltx_key(store_->layout(), storage::replica_path(id), history::name_of(each));
    request.body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    ASSERT_TRUE(storage::put_and_wait(*store_, std::move(request)).has_value());
  }

  void away(unsigned times) {
    store_->fail_next([](const storage::Operation& o) { return o.kind == OperationKind::remove; },
                      {base::Category::retry_later, "away", {}}, times);
  }
  // Everybody's policy at once.
  void begin() {
    start_without_policy();
    for (const Tenant& one : tenants_) {
      upkeep_->set_policy(one.row, std::make_shared<const ClientPolicy>(policy_));
    }
  }
  void go_on_until_all_is_gone() {
    for (int i = 0; i < 24 * 60 && left() > 2 * tenants_.size(); ++i) pass_and_look(1min);
    pass_and_look(10min);
  }
  void pass_and_look(std::chrono::milliseconds time) {
    const base::SteadyTime end = clock_.steady_now() + time;
    while (clock_.steady_now() < end) {
      const std::uint64_t seen = wakes();
      const auto due = upkeep_->step();
      after_each_step_();
      most_ = std::max(most_, ledger_->inventory().unsettled(ObjectState::deleting)->size());
      if (due && *due <= clock_.steady_now()) continue;
      std::unique_lock lock(mutex_);
      if (!upkeep_->at_rest()) {
        woken_.wait_for(lock, 10s, [&] { return wakes_ != seen; });
      } else {
        const base::SteadyTime next = std::min(due.value_or(end), end);
        clock_.advance(std::max<std::chrono::nanoseconds>(next - clock_.steady_now(), 1ms));
      }
    }
  }
  [[nodiscard]] std::size_t left(const Tenant& one) const { return ledger_->inventory().held(one.row)->objects; }
  [[nodiscard]] std::size_t left() const {
    std::size_t sum = 0;
    for (const Tenant& one : tenants_) sum += left(one);
    return sum;
  }
  void expect_only_the_newest_is_left() {
    for (const Tenant& one : tenants_) {
      EXPECT_EQ(left(one), 2U) << one.id.value;
      EXPECT_EQ(ledger_->inventory().present(one.row)->size(), 2U) << one.id.value;
    }
    EXPECT_EQ(unsettled(), 0U);
    EXPECT_EQ(store_->keys().size(), 2 * tenants_.size());
  }

  std::vector<Tenant> tenants_;
  std::size_t most_ = 0;
  std::function<void()> after_each_step_ = [] {};
};

// While the store is away, planning waits, too: for room.
TEST_F(RemovalBacklog, APolicyThatIsShortenedForAllWaitsInTheTableNotInMemory) {
  for (int i = 0; i < 100; ++i) tenant(120);
  const std::size_t before = store_->operations().size();
  away(7);
  begin();
  pass_and_look(60min);
  EXPECT_LE(most_, options_.removals_max);
  EXPECT_GT(most_, options_.removals_max * 3 / 4) << "the bound was never near";
  EXPECT_EQ(probe_.removed_objects, 0U);
  EXPECT_LE(store_->operations().size() - before, 2U * 100 + 20) << "who the owner is, and few more";
  go_on_until_all_is_gone();
  EXPECT_LE(most_, options_.removals_max);
  expect_only_the_newest_is_left();
  EXPECT_EQ(probe_.removed_objects, 100U * 120);
  EXPECT_LE(operations(OperationKind::remove), 7U + 20) << "in full batches";
}

TEST_F(RemovalBacklog, WhoHasMuchToRemoveDoesNotKeepOthersWaiting) {
  const Tenant large = tenant(12'000);
  for (int i = 0; i < 50; ++i) tenant(100);
  away(7);
  begin();
  std::optional<std::size_t> left_when_others_were_done;
  after_each_step_ = [&] {
    if (left_when_others_were_done || left() - left(large) > 2U * 50) return;
    left_when_others_were_done = left(large);
  };
  go_on_until_all_is_gone();
  EXPECT_GT(left_when_others_were_done, 8000U);
  EXPECT_LE(most_, options_.removals_max);
  expect_only_the_newest_is_left();
}

// What waited when the process ended, perhaps more than this one would let wait.
TEST_F(RemovalBacklog, WhatAnEarlierRunGaveUpIsTakenUpInParts) {
  const Tenant large = tenant(4000);
  for (int i = 0; i < 20; ++i) tenant(100);
  for (const Tenant& one : tenants_) {
    std::vector<history::Object> given_up = ledger_->inventory().present(one.row)->objects();
    const std::uint64_t last = one.row == large.row ? 4000 : 100;
    std::erase_if(given_up, [&](const history::Object& o) { return o.level.value > 0 || o.max.value > last; });
    ASSERT_TRUE(ledger_->inventory().set_state(one.row, given_up, ObjectState::deleting).has_value());
  }
  begin();
  go_on_until_all_is_gone();
  expect_only_the_newest_is_left();
  EXPECT_EQ(probe_.removed_objects, 4000U + 20U * 100);
  EXPECT_GE(operations(OperationKind::remove), 6U);
}

}  // namespace
}  // namespace engine
