// What a kept log means for applications in other processes.
#include "engine/log_keeper.h"

#include <gtest/gtest.h>

#include "engine/attached.h"
#include "engine/look.h"
#include "engine/testing.h"
#include "sqlite/left_log.h"

namespace engine {
namespace {

using engine::testing::open_file;
using os::testing::SqliteShell;
using os::testing::TempDir;

class LogKeeperTest : public ::testing::Test {
 protected:
  LogKeeperTest() { app_->run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1);"); }
  ~LogKeeperTest() override { keeper_.release(); }

  void end_app() {
    app_->finish();
    app_.reset();
  }
  [[nodiscard]] std::filesystem::path log() const { return database_.string() + "-wal"; }
  [[nodiscard]] std::filesystem::path index() const { return database_.string() + "-shm"; }
  [[nodiscard]] wal::IndexHeader header() const { return **read_index(open_file(index())); }

  TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  std::unique_ptr<SqliteShell> app_ = std::make_unique<SqliteShell>(database_);
  os::FileCloser closer_;
  LogKeeper keeper_{closer_};
};

TEST_F(LogKeeperTest, TheApplicationGoesOnCommittingAndCheckpointing) {
  keeper_.take(database_);
  ASSERT_TRUE(keeper_.complete());
  EXPECT_EQ(app_->ask("PRAGMA busy_timeout=0;"), "0");
  app_->run("INSERT INTO t VALUES(2);");
  EXPECT_EQ(app_->ask("PRAGMA wal_checkpoint(PASSIVE);").substr(0, 2), "0|");
  EXPECT_EQ(header().backfilled, header().max_frame);
}

TEST_F(LogKeeperTest, NoWriterStartsTheLogAgain) {
  keeper_.take(database_);
  const auto before = header();
  app_->run("PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t VALUES(2);");
  EXPECT_TRUE(header().salts == before.salts);
  EXPECT_GT(header().max_frame, before.max_frame);
  keeper_.release();
  app_->run("PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t VALUES(3);");
  EXPECT_FALSE(header().salts == before.salts);
}

TEST_F(LogKeeperTest, ALastCloseLeavesTheLogAndItsIndexToUs) {
  keeper_.take(database_);
  end_app();
  EXPECT_TRUE(std::filesystem::exists(log()));
  EXPECT_TRUE(keeper_.vouches_for(open_file(index())));
  const auto before = header();
  SqliteShell next(database_);
  next.run("INSERT INTO t VALUES(2);");
  EXPECT_TRUE(header().salts == before.salts) << "the next one goes on in the same log";
  keeper_.release();
  next.finish();
  EXPECT_FALSE(std::filesystem::exists(log()));
}

TEST_F(LogKeeperTest, WithNobodyAttachedOnlyTheDatabaseIsHeldUntilSomebodyComes) {
  end_app();
  keeper_.take(database_);
  EXPECT_TRUE(keeper_.held());
  EXPECT_FALSE(keeper_.complete());
  app_ = std::make_unique<SqliteShell>(database_);
  app_->run("INSERT INTO t VALUES(2);");
  keeper_.take(database_);
  EXPECT_TRUE(keeper_.complete());
}

TEST_F(LogKeeperTest, AnIndexThatNobodyVouchesForIsNeverHeld) {
  ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
  end_app();
  ASSERT_TRUE(std::filesystem::exists(index()));
  keeper_.take(database_);
  EXPECT_FALSE(keeper_.complete());
  EXPECT_FALSE(os::lock_holder(open_file(index()), os::kShmDmsByte).value().has_value());
}

TEST_F(LogKeeperTest, ALeftLogIsClearedAwayAndNothingIsLost) {
  keeper_.take(database_);
  app_->run("INSERT INTO t VALUES(2);");
  EXPECT_FALSE(nobody_attached(database_, closer_));
  end_app();
  keeper_.release();
  closer_.flush();
  ASSERT_TRUE(std::filesystem::exists(log()));
  ASSERT_TRUE(nobody_attached(database_, closer_));
  ASSERT_TRUE(sqlite::clear_left_log(database_).has_value());
  EXPECT_FALSE(std::filesystem::exists(log()));
  EXPECT_FALSE(std::filesystem::exists(index()));
  EXPECT_EQ(SqliteShell(database_).ask("SELECT sum(a) FROM t;"), "3");
}

TEST_F(LogKeeperTest, WhoeverIsAttachedKeepsTheLog) {
  ASSERT_TRUE(sqlite::clear_left_log(database_).has_value());
  EXPECT_TRUE(std::filesystem::exists(log()));
  app_->run("INSERT INTO t VALUES(2);");
  EXPECT_EQ(SqliteShell(database_).ask("SELECT sum(a) FROM t;"), "3");
}

}  // namespace
}  // namespace engine
