// Files that are exchanged or written over while nobody attends to them, with a log of their predecessor left beside.
// SQLite lays that log over whatever file it finds, so this is what has to be in the bucket.
#include <csignal>

#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine {
namespace {

class ClientExchange : public engine::testing::ClientTest {
 protected:
  // Most pages are in the database file, few in the log; then the application dies and leaves the log.
  void store_and_leave_a_log() {
    start_app();
    fill(*app_);
    commit();
    start_client();
    ASSERT_TRUE(run_until_stored());
    commit();
    ASSERT_TRUE(run_until_stored());
    ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
    app_->finish();
    app_.reset();
    happens(FileEventKind::index_closed);
  }
  static void fill(const os::testing::SqliteShell& app) {
    app.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60)"
        "INSERT INTO t(b) SELECT randomblob(3000) FROM n; PRAGMA wal_checkpoint(TRUNCATE);");
  }
  // Another database of the same shape.
  [[nodiscard]] std::filesystem::path make_other() const {
    const std::filesystem::path other = dir_ / "other.db";
    os::testing::SqliteShell app(other);
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b);");
    fill(app);
    app.run("INSERT INTO t(b) VALUES(randomblob(500)); INSERT INTO t(b) VALUES(randomblob(500));");
    app.finish();
    engine::testing::age_file(other);
    return other;
  }
  // A log that nobody attends to is read once it rests, so "not behind" alone tells nothing yet.
  bool run_until_exchanged() {
    return run_until([this] {
      return status_ && !status_->behind &&
             engine::testing::restored_pages(*store_) == engine::testing::committed_pages(database_);
    });
  }
  // The same file with other content.
  void write_over(const std::filesystem::path& other) const {
    std::filesystem::copy_file(other, database_, std::filesystem::copy_options::overwrite_existing);
    engine::testing::age_file(database_);
  }
};

TEST_F(ClientExchange, AFileMovedOverWhileTheDaemonWasDownIsNotTakenForTheOneBefore) {
  store_and_leave_a_log();
  ASSERT_TRUE(run_until_stored());
  client_ = nullptr;
  std::filesystem::rename(make_other(), database_);
  kill_and_restart();
  EXPECT_TRUE(run_until_exchanged());
  EXPECT_GE(status_->diffs, 1U);
}

TEST_F(ClientExchange, AFileWrittenOverWhileTheDaemonWasDownIsComparedAgain) {
  store_and_leave_a_log();
  ASSERT_TRUE(run_until_stored());
  client_ = nullptr;
  write_over(make_other());
  kill_and_restart();
  EXPECT_TRUE(run_until_exchanged());
}

TEST_F(ClientExchange, AFileExchangedWhileTheDaemonAndTheApplicationWereDeadIsComparedThoughTheApplicationIsBack) {
  store_and_leave_a_log();
  client_ = nullptr;
  std::filesystem::rename(make_other(), database_);
  start_app();
  app_->run("SELECT count(*) FROM sqlite_schema;");
  kill_and_restart();
  EXPECT_TRUE(run_until_exchanged());
}

TEST_F(ClientExchange, ALogThatGoesOnBesideAnUntouchedFileIsGoneOnWithAfterARestart) {
  start_app();
  fill(*app_);
  commit();
  start_client();
  ASSERT_TRUE(run_until_stored());
  commit();
  ASSERT_TRUE(run_until_stored());
  client_ = nullptr;
  commit(3);
  kill_and_restart();
  EXPECT_TRUE(run_until_exchanged());
  EXPECT_EQ(status_->diffs, 0U);
  EXPECT_EQ(probe_.gaps, 0U);
}

TEST_F(ClientExchange, AFileWrittenOverBesideALeftLogIsComparedAgain) {
  store_and_leave_a_log();
  ASSERT_TRUE(run_until_stored());
  write_over(make_other());
  happens(FileEventKind::database_modified);
  EXPECT_TRUE(run_until_exchanged());
}

TEST_F(ClientExchange, AFileWrittenOverBeforeTheLeftLogWasReadIsComparedAgain) {
  store_and_leave_a_log();
  write_over(make_other());
  happens(FileEventKind::database_modified);
  EXPECT_TRUE(run_until_exchanged());
}

TEST_F(ClientExchange, AFileWrittenOverBesideALogOfAColdDatabaseIsComparedAgain) {
  store_and_leave_a_log();
  ASSERT_TRUE(run_until([this] { return status_ && status_->state == ClientState::idle; }));
  write_over(make_other());
  happens(FileEventKind::database_modified);
  EXPECT_TRUE(run_until_exchanged());
}

TEST_F(ClientExchange, AFileWrittenOverBesideALeftLogIsComparedThoughTheApplicationIsBackAtOnce) {
  store_and_leave_a_log();
  step();
  write_over(make_other());
  happens(FileEventKind::database_modified);
  start_app();
  app_->run("SELECT count(*) FROM sqlite_schema;");
  happens(FileEventKind::index_created);
  EXPECT_TRUE(run_until_exchanged());
}

}  // namespace
}  // namespace engine
