// A whole client, from the first byte of its database to the bucket.
#include "engine/client.h"

#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine {
namespace {

using base::Category;
using engine::testing::committed_pages;
using engine::testing::restored_pages;
using storage::Operation;
using storage::OperationKind;
using namespace std::chrono_literals;

using ClientTest = engine::testing::ClientTest;

TEST_F(ClientTest, WaitsOnAnEmptyFileAndStartsWithTheFirstWrite) {
  os::testing::write_text(database_, "");
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::waiting; }));
  EXPECT_EQ(status_->txid, 0U);
  EXPECT_TRUE(store_->keys().empty());
  start_app();
  happens(FileEventKind::log_created);
  happens(FileEventKind::database_modified);
  EXPECT_TRUE(run_until_stored());
  EXPECT_GE(status_->txid, 1U);
  EXPECT_EQ(probe_.images, 1U);
  EXPECT_EQ(status_->journal_mode, "wal");
  EXPECT_EQ(status_->replica_path, "databases/" + status_->client_id);
}

TEST_F(ClientTest, ADatabaseThatItsApplicationHasOnlyOpenedIsImaged) {
  start_app();
  commit(3);
  end_app();
  app_ = std::make_unique<os::testing::SqliteShell>(database_);
  ASSERT_EQ(app_->ask("SELECT count(*) FROM t;"), "3");
  ASSERT_EQ(std::filesystem::file_size(database_.string() + "-wal"), 0U) << "attached, with an empty log";
  start_client();
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 1U);
  commit();
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->diffs, 0U);
}

TEST_F(ClientTest, EveryCommitReachesTheBucket) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  for (int i = 0; i < 5; ++i) {
    commit(2);
    ASSERT_TRUE(run_until_stored()) << i;
  }
  EXPECT_EQ(status_->txid, 6U);
  EXPECT_EQ(status_->uploads, 6U);
  EXPECT_GE(status_->commits, 10U);
  EXPECT_EQ(status_->diffs, 0U);
}

// The clock's zero is the machine's start, which may have been a minute ago.
TEST_F(ClientTest, TheFirstBackupDoesNotWaitForTheInterval) {
  options_.sync_interval = 24h * 3650;
  start_app();
  commit();
  const auto before = clock_.steady_now();
  start_client();
  ASSERT_TRUE(run_until_stored());
  EXPECT_LE(clock_.steady_now() - before, 1min);
}

TEST_F(ClientTest, CommitsWithinTheSyncIntervalShareAnObject) {
  options_.sync_interval = 24h;
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto before = *status_;
  for (int i = 0; i < 3; ++i) {
    commit();
    client_->step();
  }
  EXPECT_TRUE(status_->behind);
  EXPECT_EQ(status_->commits, before.commits + 3) << "they are captured at once";
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, before.txid + 1);
}

TEST_F(ClientTest, AQuietDatabaseIsIdleAndCostsNothing) {
  start_app();
  commit(3);
  start_client();
  ASSERT_TRUE(run_until_stored());
  end_app();
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::idle; }));
  const auto operations = store_->operations().size();
  EXPECT_EQ(client_->step(), std::nullopt) << "no timer either";
  clock_.advance(24h);
  EXPECT_EQ(client_->step(), std::nullopt);
  EXPECT_EQ(store_->operations().size(), operations);
  EXPECT_FALSE(status_->behind);
}

TEST_F(ClientTest, ARestThatCouldNotBeRecordedIsTriedAgain) {
  start_client();
  start_app();
  commit();
  ASSERT_TRUE(run_until_stored());
  os::testing::run_sqlite(dir_ / "state.db", "ALTER TABLE clients RENAME TO away");
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::failing; }));
  os::testing::run_sqlite(dir_ / "state.db", "ALTER TABLE away RENAME TO clients");
  EXPECT_TRUE(run_until([&] { return status_->state == ClientState::idle && !status_->behind; }));
}

TEST_F(ClientTest, AnOpenButQuietDatabaseGoesColdAndWakesWithoutReading) {
  start_app();
  commit(3);
  start_client();
  ASSERT_TRUE(run_until_stored());
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::idle; }));
  commit();
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->diffs, 0U);
}

TEST_F(ClientTest, AnEventThatArrivesWhileAVerdictWaitsForTheStreamIsNotForgotten) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  commit(3);
  client_->step();
  app_->run("PRAGMA wal_checkpoint(PASSIVE);");
  commit();
  stream_.before_delivery = [this] {
    stream_.before_delivery = nullptr;
    commit();
  };
  client_->step();
  EXPECT_EQ(probe_.proofs_ledger, 1U);
  EXPECT_FALSE(stream_.before_delivery) << "the verdict waited for the stream";
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->diffs, 0U);
}

TEST_F(ClientTest, AnOutageDropsWhatDoesNotFitAndOneDiffMakesItWhole) {
  memory_ = std::make_unique<MemoryBudget>(100'000);
  std::atomic<bool> down{false};
  store_->fail_next([&](const Operation&) { return down.load(); }, {Category::retry_later, "away", {}}, 1'000'000);
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  down = true;
  const base::UnixMillis away = clock_.unix_now();
  for (int i = 0; i < 10; ++i) {
    commit(1, 50'000);
    step();
  }
  ASSERT_TRUE(run_until([&] { return probe_.dropped_captures > 0; }));
  EXPECT_EQ(status_->state, ClientState::failing) << "also while it is tried again";
  EXPECT_TRUE(status_->behind);
  ASSERT_TRUE(run_until([&] { return status_->next_attempt.has_value(); }));
  commit(2, 50'000);
  step();
  down = false;
  EXPECT_TRUE(run_until_stored());
  EXPECT_GT(status_->diffs, 0U);
  EXPECT_LT(memory_->used(), 100'000);
  EXPECT_GT(status_->lost_points.count, 0U) << "before and after captures were dropped";
  EXPECT_EQ(probe_.lost_points, status_->lost_points.count);
  EXPECT_GE(status_->lost_points.since, away);
  EXPECT_GE(status_->lost_points.until, status_->lost_points.since);
  EXPECT_LT(status_->lost_points.until, clock_.unix_now());
}

TEST_F(ClientTest, APageThatWentBackDuringTheOutageIsRightToo) {
  memory_ = std::make_unique<MemoryBudget>(1);
  start_app();
  app_->run("CREATE TABLE flip(v); INSERT INTO flip VALUES('A');");
  start_client();
  ASSERT_TRUE(run_until_stored());
  // B is stored but its answer is lost; then captures are dropped and the page goes back to A.
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::put; },
                    {Category::retry_later, "lost", {}}, 1, storage::MemoryStore::FaultPoint::after);
  app_->run("UPDATE flip SET v='B';");
  happens(FileEventKind::log_modified);
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::failing; }));
  app_->run("UPDATE flip SET v='A';");
  happens(FileEventKind::log_modified);
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, AnotherWriterInTheBucketStopsReplicationAndIsNotOverwritten) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::string key = "databases/" + status_->client_id + "/0000/0000000000000002-0000000000000002.ltx";
  const auto theirs = std::make_shared<storage::MemoryBody>(base::Bytes(300, 7));
  ASSERT_TRUE(storage::put_and_wait(*store_, {.key = base::ObjectKey{key}, .body = theirs}));
  commit();
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::conflict; }));
  EXPECT_FALSE(status_->detail.empty());
  EXPECT_TRUE(status_->behind);
  commit(3);
  const auto operations = store_->operations().size();
  client_->step();
  clock_.advance(1h);
  client_->step();
  EXPECT_EQ(store_->operations().size(), operations);
  EXPECT_EQ(store_->peek(key), theirs->bytes());
}

TEST_F(ClientTest, WithoutLocalStateAnUnchangedDatabaseUploadsNothing) {
  start_app();
  commit(5);
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto keys = store_->keys();
  start_client("empty.db");
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(store_->keys(), keys);
  EXPECT_EQ(status_->txid, keys.size());
  commit();
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(store_->keys().size(), keys.size() + 1);
}

TEST_F(ClientTest, WithoutLocalStateAChangedDatabaseGoesOnWithTheNextTxid) {
  start_app();
  commit(5);
  start_client();
  ASSERT_TRUE(run_until_stored());
  client_ = nullptr;
  commit(3);
  start_client("empty.db");
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 2U);
}

TEST_F(ClientTest, AStoreThatDoesNotAnswerAtTheStartIsAskedAgain) {
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::list; },
                    {Category::retry_later, "away", {}}, 2);
  start_app();
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::failing; }));
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, WhatWasCommittedIsStoredAfterTheFileIsGone) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  commit(3);
  step();
  const auto last = committed_pages(database_);
  end_app();
  std::filesystem::remove(database_);
  client_->post(Command::vanish);
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::removed; }));
  EXPECT_TRUE(restored_pages(*store_) == last);
}

TEST_F(ClientTest, ADatabaseThatComesBackWithOtherContentGoesOn) {
  start_app();
  commit(20);
  start_client();
  ASSERT_TRUE(run_until_stored());
  end_app();
  std::filesystem::remove(database_);
  client_->post(Command::vanish);
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::removed; }));
  start_app();
  client_->post(Command::appear);
  happens(FileEventKind::database_replaced);
  commit();
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, AtTheEndEverythingIsStoredWithoutWaitingForTheInterval) {
  options_.sync_interval = 24h;
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto before = clock_.steady_now();
  commit(3);
  client_->post(Command::flush);
  EXPECT_FALSE(client_->flushed());
  EXPECT_TRUE(run_until([&] { return client_->flushed(); }));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
  EXPECT_LT(clock_.steady_now() - before, 1h);
}

TEST_F(ClientTest, AtTheEndADatabaseThatWasBlockedIsLookedAtOnceMore) {
  os::testing::write_text(database_, std::string(8192, 'x'));
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::blocked; }));
  std::filesystem::remove(database_);
  start_app();
  app_->run("INSERT INTO t(b) VALUES('the cause is gone, no event has told so yet');");
  // What it asks for is not to be had at once: the first try fails.
  auto one = base_jobs_.try_take([] {});
  auto other = base_jobs_.try_take([] {});
  client_->post(Command::flush);
  step();
  EXPECT_FALSE(client_->flushed());
  one.leave();
  ASSERT_TRUE(run_until([&] { return client_->flushed(); }));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
}

TEST_F(ClientTest, ADatabaseThatIsHeldExclusivelyAtTheEndCountsAsNotStored) {
  start_app();
  commit();
  end_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  app_ = std::make_unique<os::testing::SqliteShell>(database_);
  app_->run("PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t(b) VALUES('unseen');");
  happens(FileEventKind::log_created);
  client_->post(Command::flush);
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::blocked; }));
  EXPECT_FALSE(run_until([&] { return client_->flushed(); }));
  end_app();
  ASSERT_TRUE(run_until([&] { return client_->flushed(); }));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
}

TEST_F(ClientTest, ARollbackDatabaseIsSwitchedToWalWhenItIsQuiet) {
  ASSERT_EQ(os::testing::run_sqlite(database_, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1,2);"),
            0);
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->journal_mode == "wal"; }));
  happens(FileEventKind::database_modified);
  EXPECT_TRUE(run_until_stored());
  start_app();
  EXPECT_EQ(app_->ask("PRAGMA journal_mode;"), "wal");
  commit();
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, AnApplicationThatGoesBackFromWalIsLeftAloneAndReadAtEachChange) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  app_->run("PRAGMA journal_mode=DELETE;");
  happens(FileEventKind::index_closed);
  happens(FileEventKind::log_deleted);
  happens(FileEventKind::database_modified);
  ASSERT_TRUE(run_until_stored());
  for (int i = 0; i < 3; ++i) {
    app_->run("INSERT INTO t(b) VALUES('rollback');");
    happens(FileEventKind::journal_touched);
    happens(FileEventKind::database_modified);
    ASSERT_TRUE(run_until_stored()) << i;
  }
  EXPECT_EQ(status_->journal_mode, "rollback");
  EXPECT_EQ(app_->ask("PRAGMA journal_mode;"), "delete");
  EXPECT_TRUE(ledgers_.back()->load_all()->front().wal_switch_refused);
}

TEST_F(ClientTest, WhatCannotBeCapturedIsBlockedWithItsReasonUntilItChanges) {
  os::testing::write_text(database_, std::string(8192, 'x'));
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::blocked; }));
  EXPECT_TRUE(status_->behind) << "nobody knows what is in it";
  EXPECT_NE(status_->detail.find("not a plain SQLite database"), std::string::npos);
  EXPECT_TRUE(store_->keys().empty());
  std::filesystem::remove(database_);
  start_app();
  happens(FileEventKind::database_replaced);
  commit();
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, ADatabaseWithASecondNameIsBlockedUntilItHasOne) {
  start_app();
  commit(3);
  end_app();
  std::filesystem::create_hard_link(database_, dir_ / "alias.db");
  start_client();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::blocked; }));
  EXPECT_NE(status_->detail.find("hard link"), std::string::npos) << status_->detail;
  std::filesystem::remove(dir_ / "alias.db");
  happens(FileEventKind::checked);
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, AnImageThatIsOvertakenAgainAndAgainIsMadeBesideAKeptLog) {
  start_app();
  commit(20);
  // More is committed and lost to a restart at each moment at which the job asks what has happened.
  stream_.before_delivery = [&] {
    if (!app_) return;
    for (int i = 0; i < 2; ++i) app_->run("INSERT INTO t(b) VALUES('x'); PRAGMA wal_checkpoint(TRUNCATE);");
    if (probe_.kept_logs == 0) return;
    app_->finish();  // the application ends: the log is left to us
    app_.reset();
    stream_.before_delivery = nullptr;
    happens(FileEventKind::index_closed);
  };
  start_client();
  EXPECT_TRUE(run_until([&] { return probe_.images == 1; }));
  EXPECT_EQ(probe_.kept_logs, 1U);
  EXPECT_TRUE(run_until_stored());
  EXPECT_TRUE(run_until([&] { return !std::filesystem::exists(database_.string() + "-wal"); }))
      << "a log that was left to us is cleared away";
  happens(FileEventKind::index_closed);
  happens(FileEventKind::log_deleted);
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientTest, AMovedDatabaseIsFollowed) {
  start_app();
  commit(3);
  start_client();
  ASSERT_TRUE(run_until_stored());
  end_app();
  const auto moved = dir_ / "moved.db";
  std::filesystem::rename(database_, moved);
  database_ = moved;
  client_->post(NewPath{moved.string()});
  happens(FileEventKind::database_replaced);
  start_app();
  commit();
  EXPECT_TRUE(run_until_stored());
  EXPECT_EQ(status_->database_path, moved.string());
}

TEST_F(ClientTest, StatusIsPublishedOnlyWhenItChanges) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::idle; }));
  const auto published = status_;
  client_->step();
  EXPECT_EQ(status_, published);
}

}  // namespace
}  // namespace engine
