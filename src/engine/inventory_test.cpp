#include "engine/inventory.h"

#include <gtest/gtest.h>

#include "engine/ledger.h"
#include "history/compaction.h"
#include "os/testing.h"
#include "sqlite/connection.h"

namespace engine {
namespace {

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
using Gone = InventoryTable::Gone;
constexpr base::UnixMillis kNow{1'700'000'000'000};

history::Object object(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
  return {
      base::Txid{min},   base::Txid{max}, 100 * max, kNow + base::UnixMillis(max), kNow + base::UnixMillis(max + 5), 7,
      base::Level{level}};
}

class InventoryTest : public ::testing::Test {
 protected:
  InventoryTest() { open(); }
  void open() {
    ledger_.reset();
    ledger_ = std::move(*Ledger::open(file_));
    row_ = ledger_->find_or_create(kId, "/clients/a.db", kNow)->row;
  }
  void execute(const std::string& sql) {
    ledger_.reset();
    auto connection = sqlite::Connection::open(file_, sqlite::OpenMode::read_write);
    ASSERT_TRUE(connection.has_value());
    ASSERT_TRUE(connection->execute(sql).has_value());
  }
  void acknowledge(const history::Object& object) {
    Acknowledgement ack;
    ack.txid = object.max;
    ack.page_size = 4096;
    ack.object = object;
    ASSERT_TRUE(ledger_->acknowledge(row_, ack).has_value());
  }
  void put(const history::Object& object, ObjectState state = ObjectState::present) {
    ASSERT_TRUE(table().put(row_, object, state).has_value());
  }
  InventoryTable& table() { return ledger_->inventory(); }
  base::Result<bool> record(const std::vector<history::Object>& listed) {
    return table().record_listing(*table().begin_listing(row_), listed);
  }

  os::testing::TempDir dir_;
  std::filesystem::path file_ = dir_ / "state.db";
  std::unique_ptr<Ledger> ledger_;
  std::int64_t row_ = 0;
};

TEST_F(InventoryTest, AnAcknowledgedObjectIsThereAfterARestartWithAllThatIsKnownOfIt) {
  acknowledge(object(0, 1, 1));
  acknowledge(object(9, 1, 2));
  open();
  const auto inventory = table().present(row_).value();
  EXPECT_EQ(inventory.objects(), (std::vector{object(0, 1, 1), object(9, 1, 2)}));
  EXPECT_EQ(ledger_->find(row_)->txid.value, 2U);
}

TEST_F(InventoryTest, AnAcknowledgementThatFailsLeavesNoObject) {
  execute("CREATE TRIGGER refuse BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'no'); END");
  open();
  Acknowledgement ack;
  ack.txid = base::Txid{1};
  ack.object = object(0, 1, 1);
  EXPECT_FALSE(ledger_->acknowledge(row_, ack).has_value());
  EXPECT_EQ(ledger_->find(row_)->txid.value, 0U);
}

TEST_F(InventoryTest, IsCompleteOnceAListingOfAnyLengthWasRecorded) {
  EXPECT_FALSE(*table().known(row_));
  acknowledge(object(0, 2500, 2500));
  std::vector<history::Object> listed;
  for (std::uint64_t txid = 1; txid <= 2500; ++txid) listed.push_back(object(0, txid, txid));
  listed.back().size_bytes = 1;  // what we wrote ourselves is known better
  ASSERT_TRUE(record(listed).has_value());
  EXPECT_TRUE(*table().known(row_));
  const auto inventory = table().present(row_).value();
  EXPECT_EQ(inventory.size(), 2500U);
  EXPECT_EQ(*inventory.find({base::Level{0}, base::Txid{2500}, base::Txid{2500}}), object(0, 2500, 2500));

  ASSERT_TRUE(table().distrust(row_).has_value());
  EXPECT_FALSE(*table().known(row_));
  EXPECT_TRUE(table().present(row_)->empty());
}

TEST_F(InventoryTest, AnEmptyBucketIsKnownToo) {
  ASSERT_TRUE(record({}).has_value());
  EXPECT_TRUE(*table().known(row_));
}

TEST_F(InventoryTest, TheTipIsWhatTheTipOfTheWholeIs) {
  const auto check = [&] {
    const auto whole = table().present(row_).value();
    EXPECT_EQ(table().tip(row_)->objects(), history::Inventory(history::tip(whole)).objects());
  };
  check();
  for (std::uint64_t txid = 1; txid <= 60; ++txid) put(object(0, txid, txid));
  check();
  for (std::uint64_t min = 2; min < 50; min += 12) put(object(1, min, min + 11));
  check();
  put(object(2, 2, 25));
  check();
  put(object(9, 1, 30));
  check();
  put(object(9, 1, 60));
  check();
}

TEST_F(InventoryTest, WhatIsBeingWrittenOrDeletedIsNotPresentAndIsFoundAfterARestart) {
  put(object(0, 1, 1));
  put(object(0, 2, 2));
  put(object(1, 1, 2), ObjectState::writing);
  ASSERT_TRUE(table().set_state(row_, std::vector{object(0, 1, 1)}, ObjectState::deleting).has_value());
  open();
  EXPECT_EQ(table().present(row_)->objects(), (std::vector{object(0, 2, 2)}));
  for (const auto& [state, name] :
       {std::pair(ObjectState::deleting, object(0, 1, 1)), std::pair(ObjectState::writing, object(1, 1, 2))}) {
    const auto unsettled = table().unsettled(state).value();
    ASSERT_EQ(unsettled.size(), 1U);
    EXPECT_EQ(unsettled[0].object, name);
    EXPECT_EQ(unsettled[0].state, state);
    EXPECT_EQ(*table().clients_with(state), std::vector{row_});
    ASSERT_TRUE(table().forget(unsettled, Gone::certainly).has_value());
    EXPECT_TRUE(table().unsettled(state)->empty());
    EXPECT_TRUE(table().clients_with(state)->empty());
  }
}

TEST_F(InventoryTest, UnsettledObjectsOfOneClientCanBeHadInParts) {
  const std::int64_t other = ledger_->find_or_create(base::DatabaseId{"other"}, "/clients/b.db", kNow)->row;
  for (std::uint64_t txid = 1; txid <= 5; ++txid) put(object(0, txid, txid), ObjectState::deleting);
  ASSERT_TRUE(table().put(other, object(0, 1, 1), ObjectState::deleting).has_value());
  EXPECT_EQ(table().unsettled(ObjectState::deleting)->size(), 6U);
  EXPECT_EQ(table().unsettled(ObjectState::deleting, row_)->size(), 5U);
  EXPECT_EQ(table().unsettled(ObjectState::deleting, row_, 3)->size(), 3U);
  EXPECT_EQ(table().clients_with(ObjectState::deleting)->size(), 2U);
}

// Pages of a listing are older than the moment at which it is recorded.
TEST_F(InventoryTest, WhatWasRemovedWhileItWasListedIsNotRecordedAsThere) {
  put(object(0, 1, 1), ObjectState::deleting);
  put(object(0, 2, 2), ObjectState::deleting);
  const auto listing = table().begin_listing(row_);
  const std::vector listed{object(0, 1, 1), object(0, 2, 2), object(0, 3, 3)};
  const UnsettledObject gone{row_, object(0, 1, 1), ObjectState::deleting};
  ASSERT_TRUE(table().forget({&gone, 1}, Gone::certainly));
  EXPECT_TRUE(*table().record_listing(*listing, listed));
  EXPECT_EQ(table().present(row_)->objects(), std::vector{object(0, 3, 3)});
  EXPECT_EQ(table().unsettled(ObjectState::deleting)->size(), 1U) << "of which the listing knows less";
  EXPECT_TRUE(*table().known(row_));
  EXPECT_TRUE(*table().record_listing(*table().begin_listing(row_), listed)) << "listed after that, it is there";
  EXPECT_EQ(table().present(row_)->size(), 2U);
}

TEST_F(InventoryTest, AListingDuringWhichNobodyKnowsWhatWentIsVoid) {
  put(object(0, 1, 1), ObjectState::deleting);
  const auto listing = table().begin_listing(row_);
  const auto other = table().begin_listing(row_ + 1);
  const UnsettledObject perhaps{row_, object(0, 1, 1), ObjectState::deleting};
  ASSERT_TRUE(table().forget({&perhaps, 1}, Gone::perhaps));
  EXPECT_FALSE(*table().record_listing(*listing, std::vector{object(0, 1, 1), object(0, 2, 2)}));
  EXPECT_FALSE(*table().known(row_));
  EXPECT_TRUE(table().present(row_)->empty());
  EXPECT_TRUE(*table().record_listing(*other, {})) << "of another client";
}

TEST_F(InventoryTest, DueTimesAreKeptAndGivenOutInTheirOrder) {
  const std::int64_t other =
      ledger_->find_or_create(base::DatabaseId{"22222222-2222-3333-4444-555555555555"}, "/b", kNow)->row;
  EXPECT_EQ(*table().next_due(), std::nullopt);
  ASSERT_TRUE(table().set_due(row_, kNow + base::UnixMillis(9)).has_value());
  ASSERT_TRUE(table().set_due(other, kNow).has_value());
  open();
  EXPECT_EQ(*table().next_due(), kNow);
  EXPECT_EQ(*table().due_clients(kNow, 9), std::vector{other});
  EXPECT_EQ(*table().due_clients(kNow + base::UnixMillis(9), 9), (std::vector{other, row_}));
  ASSERT_TRUE(table().set_due(other, std::nullopt).has_value());
  EXPECT_EQ(*table().next_due(), kNow + base::UnixMillis(9));
  EXPECT_EQ(*table().due(other), std::nullopt);
}

TEST_F(InventoryTest, AStateDatabaseFromBeforeTheInventoryGoesOnAndKnowsNothingOfTheBucket) {
  acknowledge(object(0, 1, 1));
  execute("DROP TABLE objects; DROP TABLE upkeep; PRAGMA user_version=1");
  open();
  EXPECT_EQ(ledger_->find(row_)->txid.value, 1U);
  EXPECT_FALSE(*table().known(row_));
  EXPECT_TRUE(table().present(row_)->empty());
}

TEST_F(InventoryTest, AnotherBucketStartsOver) {
  ASSERT_TRUE(ledger_->bind_to_bucket("s3://a").has_value());
  acknowledge(object(0, 1, 1));
  ASSERT_TRUE(record({}).has_value());
  ASSERT_TRUE(ledger_->bind_to_bucket("s3://b").has_value());
  EXPECT_FALSE(*table().known(row_));
  EXPECT_TRUE(table().present(row_)->empty());
}

TEST_F(InventoryTest, KnowsWhatAClientHoldsWithoutCountingItsRows) {
  const auto held = [&] { return *table().held(row_); };
  EXPECT_EQ(held(), Held{});
  acknowledge(object(0, 1, 1));
  put(object(1, 1, 3), ObjectState::writing);
  EXPECT_EQ(held(), (Held{2, 400}));
  put(object(1, 1, 3));
  EXPECT_EQ(held(), (Held{2, 400})) << "the same object";
  history::Object larger = object(1, 1, 3);
  larger.size_bytes = 1000;
  put(larger);
  EXPECT_EQ(held(), (Held{2, 1100}));
  ASSERT_TRUE(record({larger, object(0, 2, 2)}));
  EXPECT_EQ(held(), (Held{3, 1300}));
  ASSERT_TRUE(table().set_state(row_, std::vector{object(0, 2, 2)}, ObjectState::deleting));
  EXPECT_EQ(held(), (Held{3, 1300})) << "until it is gone";
  const UnsettledObject gone{row_, object(0, 2, 2), ObjectState::deleting};
  ASSERT_TRUE(table().forget({&gone, 1}, Gone::certainly));
  EXPECT_EQ(held(), (Held{2, 1100}));
  EXPECT_EQ(*table().holders(0, 10), std::vector{row_});
  EXPECT_TRUE(table().holders(row_, 10)->empty());
  ASSERT_TRUE(table().distrust(row_));
  EXPECT_EQ(held(), Held{});
}

TEST_F(InventoryTest, CountsTheRowsOfAStateDatabaseFromBeforeItKnew) {
  acknowledge(object(0, 1, 1));
  acknowledge(object(0, 2, 2));
  execute("DROP TRIGGER object_added; DROP TRIGGER object_resized; DROP TRIGGER object_gone; DROP TABLE held");
  open();
  EXPECT_EQ(*table().held(row_), (Held{2, 300}));
  acknowledge(object(0, 3, 3));
  EXPECT_EQ(*table().held(row_), (Held{3, 600}));
}

TEST_F(InventoryTest, TellsWhereTheOldestRestorablePointIs) {
  EXPECT_FALSE(table().oldest_image(row_)->has_value());
  acknowledge(object(0, 1, 1));
  put(object(9, 1, 5));
  put(object(9, 1, 9));
  EXPECT_EQ(**table().oldest_image(row_), object(0, 1, 1));
  const UnsettledObject gone{row_, object(0, 1, 1), ObjectState::present};
  ASSERT_TRUE(table().forget({&gone, 1}, Gone::certainly));
  put(object(0, 6, 6));
  EXPECT_EQ(**table().oldest_image(row_), object(9, 1, 5));
  EXPECT_EQ(**table().newest_snapshot(row_), object(9, 1, 9));
}

}  // namespace
}  // namespace engine
