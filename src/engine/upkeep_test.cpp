#include "engine/upkeep.h"

#include <gtest/gtest.h>

#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using base::Category;
using storage::MemoryStore;
using storage::Operation;
using storage::OperationKind;
using namespace std::chrono_literals;

class UpkeepTest : public engine::testing::UpkeepTest {
 protected:
  // Of the client's objects.
  [[nodiscard]] std::size_t listings() const {
    return static_cast<std::size_t>(std::ranges::count_if(store_->operations(), [&](const Operation& o) {
      return o.kind == OperationKind::list && o.key.starts_with(storage::replica_path(id_));
    }));
  }
};

bool is(const Operation& operation, OperationKind kind, std::string_view part = "") {
  return operation.kind == kind && operation.key.find(part) != std::string::npos;
}

TEST_F(UpkeepTest, SmallObjectsAreMergedWithoutReadingThemFromTheBucket) {
  start();
  commit_image(9);
  commits(30);
  EXPECT_GE(bucket(1).size(), 2U);
  EXPECT_EQ(operations(OperationKind::get), 0U);
  EXPECT_EQ(listings(), 0U);
  EXPECT_EQ(operations(OperationKind::head), 0U);
  EXPECT_EQ(probe_.merges, bucket(1).size());
  EXPECT_EQ(probe_.upkeep_bytes_read, 0U);
  EXPECT_GT(probe_.cache_hits, 0U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

TEST_F(UpkeepTest, WithoutACacheTheBucketIsRead) {
  options_.cache_bytes_max = 0;
  start();
  commit_image(9);
  commits(30);
  EXPECT_GE(bucket(1).size(), 2U);
  EXPECT_GT(operations(OperationKind::get), 20U);
  EXPECT_GT(probe_.upkeep_bytes_read, 0U);
  EXPECT_TRUE(restorable(txid_));
}

// The first image must not be copied upward through the levels.
TEST_F(UpkeepTest, TheImageAtTheBeginningStaysOutOfMerges) {
  start();
  commit_image(50);
  commits(200);
  for (int level = 1; level <= 3; ++level) {
    for (const history::Object& object : bucket(level)) EXPECT_GT(object.min.value, 1U) << "level " << level;
  }
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepTest, MergesTooLargeForMemoryGoThroughTheStagingDirectory) {
  options_.light_bytes_max = 600;
  start();
  commit_image(9);
  commits(30);
  EXPECT_GE(bucket(1).size(), 2U);
  EXPECT_TRUE(restorable(txid_));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "staging"));
}

TEST_F(UpkeepTest, ASnapshotTakesTheDatabasesPlaceWhenThePlanGrows) {
  options_.compaction.plan_bytes_floor = 1024;
  start();
  commit_image(20);
  commits(400);
  ASSERT_FALSE(bucket(9).empty());
  EXPECT_EQ(probe_.snapshots, bucket(9).size());
  EXPECT_TRUE(restorable(txid_));
  EXPECT_TRUE(restorable(bucket(9).back().max.value));
}

TEST_F(UpkeepTest, WhatIsOlderThanThePolicyKeepsIsRemovedAndTheWindowStays) {
  options_.compaction.plan_bytes_floor = 1024;
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(600);  // ten hours
  expect_window(2h);
  pass(2h);
  expect_window(2h);
  EXPECT_GT(probe_.removed_objects, 300U);
  settle();
  EXPECT_EQ(ledger_->inventory().present(record_.row)->size(), bucket().size());
}

TEST_F(UpkeepTest, AnIdleDatabaseEndsWithItsNewestStateAndNoWakeUps) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(100);
  pass(std::chrono::days(3));
  EXPECT_TRUE(restorable(txid_));
  EXPECT_LE(bucket().size(), 20U);
  const std::size_t before = store_->operations().size();
  pass(std::chrono::days(300));
  EXPECT_EQ(store_->operations().size(), before);
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepTest, ACommitAMinuteCostsFewRequestsBesideItsUpload) {
  start();
  commit_image(200);
  commits(1440);
  const std::size_t before = store_->operations().size();
  commits(1440);  // deletions run along
  const std::size_t a_day = store_->operations().size() - before;
  EXPECT_GT(probe_.removed_objects, 600U);
  EXPECT_LE(a_day - 1440, 260U);
  EXPECT_EQ(listings(), 0U);
  RecordProperty("requests_a_day_beside_uploads", static_cast<int>(a_day - 1440));
}

TEST_F(UpkeepTest, RetentionOffRemovesNothing) {
  policy_.retention.off = true;
  start();
  commit_image(20);
  commits(100);
  pass(std::chrono::days(900));
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

TEST_F(UpkeepTest, ManyClientsShareTheirDeletions) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(300);
  pass(24h);
  EXPECT_LE(operations(OperationKind::remove), 12U);  // at most one pass an hour
  EXPECT_EQ(operations(OperationKind::head), operations(OperationKind::remove));
}

TEST_F(UpkeepTest, AConflictStopsEverything) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(11);
  upkeep_->halt(record_.row);
  commits(20);
  pass(std::chrono::days(3));
  EXPECT_TRUE(bucket(1).empty());
  EXPECT_EQ(operations(OperationKind::remove), 0U);
}

TEST_F(UpkeepTest, ATakeoverUndoesAConflict) {
  start();
  commit_image(20);
  commits(11);
  upkeep_->halt(record_.row);
  commits(20);
  ASSERT_TRUE(bucket(1).empty());
  upkeep_->resume(record_.row);
  run();
  EXPECT_FALSE(bucket(1).empty());
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(UpkeepTest, TransientFailuresAreRepeatedEverMoreRarely) {
  start();
  commit_image(9);
  store_->fail_next([](const Operation& o) { return is(o, OperationKind::put, "/0001/"); },
                    {Category::retry_later, "away", {}}, 3);
  commits(12);
  EXPECT_TRUE(bucket(1).empty());
  pass(10min);
  EXPECT_EQ(bucket(1).size(), 1U);
  EXPECT_EQ(probe_.upkeep_failures, 3U);
}

TEST_F(UpkeepTest, AMergeWhoseAnswerWasLostIsAdopted) {
  start();
  commit_image(9);
  store_->fail_next([](const Operation& o) { return is(o, OperationKind::put, "/0001/"); },
                    {Category::retry_later, "lost", {}}, 1, MemoryStore::FaultPoint::after);
  commits(12);
  pass(10min);
  ASSERT_EQ(bucket(1).size(), 1U);
  EXPECT_EQ(unsettled(), 0U);
  EXPECT_NE(ledger_->inventory().present(record_.row)->find(history::name_of(bucket(1).front())), nullptr);
}

// A PUT that we gave up on may be carried out later.
TEST_F(UpkeepTest, TheSameMergeFromElsewhereIsAdoptedAndAnotherObjectIsAConflict) {
  start();
  commit_image(9);
  commits(11);
  const std::vector<std::uint32_t> wrong{1, 2};
  ++txid_;
  base::Bytes bytes = file_of(wrong, 77);
  --txid_;
  put({base::Txid{2}, base::Txid{13}, 0, clock_.unix_now(), {}, 9, base::Level{1}}, bytes);
  commits(1);
  pass(1h);
  EXPECT_EQ(store_->peek(key({base::Level{1}, base::Txid{2}, base::Txid{13}}).value), bytes);
  EXPECT_EQ(probe_.merges, 0U);
  const std::size_t before = store_->operations().size();
  commits(30);
  EXPECT_EQ(store_->operations().size(), before + 30);  // level 0 goes on, in this test by hand
}

TEST_F(UpkeepTest, ADamagedInputIsNeverMerged) {
  options_.cache_bytes_max = 0;
  start();
  commit_image(9);
  commits(6);
  const base::ObjectKey damaged = key({base::Level{0}, base::Txid{4}, base::Txid{4}});
  base::Bytes bytes = *store_->peek(damaged.value);
  bytes[bytes.size() / 2] ^= 1;
  storage::PutRequest request;
  request.key = damaged;
  request.body = std::make_shared<storage::MemoryBody>(bytes);
  request.on_existing = storage::OnExisting::overwrite;
  ASSERT_TRUE(storage::put_and_wait(*store_, std::move(request)).has_value());
  commits(20);
  EXPECT_TRUE(bucket(1).empty());
  EXPECT_GT(probe_.upkeep_failures, 0U);
}

TEST_F(UpkeepTest, AnObjectThatIsMissingMakesTheBucketBeListedOnce) {
  options_.cache_bytes_max = 0;
  start();
  commit_image(9);
  commits(6);
  ASSERT_TRUE(storage::remove_and_wait(*store_, {key({base::Level{0}, base::Txid{4}, base::Txid{4}})}).has_value());
  commits(10);
  pass(2min);
  EXPECT_EQ(listings(), 1U);
  EXPECT_EQ(ledger_->inventory().present(record_.row)->find({base::Level{0}, base::Txid{4}, base::Txid{4}}), nullptr);
}

TEST_F(UpkeepTest, AStateFromBeforeTheInventoryListsTheBucketOnce) {
  start();
  upkeep_->wind_down();
  commit_image(9);
  commits(30);
  ledgers_.clear();
  upkeeps_.clear();
  {
    auto connection = sqlite::Connection::open(dir_ / "state.db", sqlite::OpenMode::read_write);
    ASSERT_TRUE(connection->execute("DROP TABLE objects; DROP TABLE upkeep; PRAGMA user_version=1"));
  }
  start();
  commits(40);
  EXPECT_EQ(listings(), 1U);
  EXPECT_GE(bucket(1).size(), 4U);
  for (std::uint64_t txid = 1; txid <= txid_; ++txid) EXPECT_TRUE(restorable(txid)) << txid;
}

TEST_F(UpkeepTest, NothingIsTouchedBeforeThisRunHasSeenThatThePrefixIsItsOwn) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(100);
  // Another host goes on with it.
  const history::Object theirs{base::Txid{102}, base::Txid{102}, 0, clock_.unix_now(), {}, 20, base::Level{0}};
  txid_ = 102;
  times_[102] = clock_.unix_now();
  put(theirs, file_of({1}, 4711));
  const std::size_t removed = operations(OperationKind::remove);
  start();
  pass(std::chrono::days(3));
  EXPECT_EQ(operations(OperationKind::remove), removed);
  EXPECT_GT(operations(OperationKind::list), 0U);
}

TEST_F(UpkeepTest, AnIdleDatabaseIsProvenOwnAfterARestartAndLookedAfter) {
  policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
  start();
  commit_image(20);
  commits(100);
  start();
  pass(std::chrono::days(3));
  EXPECT_GT(probe_.removed_objects, 60U);
  EXPECT_TRUE(restorable(txid_));
}

}  // namespace
}  // namespace engine
