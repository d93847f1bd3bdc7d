#include "engine/local_state.h"

#include <csignal>
#include <thread>

#include <gtest/gtest.h>

#include "ltx/checksum.h"
#include "ltx/header.h"
#include "os/file_lock.h"
#include "os/testing.h"
#include "sqlite/connection.h"

namespace engine {
namespace {

using os::testing::SqliteShell;

class LocalStateTest : public ::testing::Test {
 protected:
  // What SQLite itself says that the pages are.
  std::uint64_t checksum_by_sqlite() {
    const auto hold = closer_.hold();
    auto db = sqlite::Connection::open(path_, sqlite::OpenMode::read_only);
    if (!db) return 0;
    auto pages = db->prepare("SELECT pgno, data FROM sqlite_dbpage");
    if (!pages) return 0;
    ltx::DatabaseChecksum sum;
    while (pages->step().value_or(false)) {
      sum.toggle(ltx::page_checksum(static_cast<std::uint32_t>(pages->integer(0)), pages->blob(1)));
    }
    return sum.value();
  }

  // Stamps that are younger than the clock's grain are not believed.
  std::optional<LocalState> read_when_old_enough() {
    while (true) {
      auto read = read_local_state(path_, closer_, {});
      EXPECT_TRUE(read) << read.error().message;
      if (!read || *read) return read.value_or(std::nullopt);
      std::this_thread::yield();
    }
  }

  void expect_same_as_sqlite(const char* when) {
    const std::uint64_t expected = checksum_by_sqlite();
    ASSERT_NE(expected, 0U);
    const std::optional<LocalState> state = read_when_old_enough();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->checksum, expected) << when;
    EXPECT_EQ(state->page_size, 4096U);
  }

  os::testing::TempDir directory_;
  std::filesystem::path path_ = directory_ / "x.db";
  os::FileCloser closer_;
};

TEST_F(LocalStateTest, IsWhatSqliteReadsInEveryStateOfTheLog) {
  {
    const SqliteShell shell(path_);
    shell.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x);");
    shell.run("INSERT INTO t VALUES(randomblob(30000)); INSERT INTO t VALUES(randomblob(30000));");
    expect_same_as_sqlite("all in the log");
    shell.run("PRAGMA wal_checkpoint(PASSIVE); UPDATE t SET x=randomblob(20000) WHERE rowid=1;");
    expect_same_as_sqlite("some of it copied");
    shell.run("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES(1);");
    expect_same_as_sqlite("begun anew over an older log");
    shell.run("DELETE FROM t; VACUUM;");
    expect_same_as_sqlite("smaller");
    shell.run("PRAGMA cache_size=5; BEGIN; INSERT INTO t SELECT randomblob(9000) FROM generate_series(1,30);");
    expect_same_as_sqlite("a transaction that is open has spilled into the log");
    shell.run("ROLLBACK;");
    expect_same_as_sqlite("and was rolled back");
    shell.run("PRAGMA wal_checkpoint(TRUNCATE);");
    expect_same_as_sqlite("a log that is empty, of an application that is there");
  }
  expect_same_as_sqlite("no log");
  {
    SqliteShell(path_).run("PRAGMA journal_mode=DELETE; INSERT INTO t VALUES(randomblob(9000));");
  }
  expect_same_as_sqlite("rollback journal");
}

// What remains of an application that was killed after a COMMIT whose sync had failed: its index ends before that
// commit.
TEST_F(LocalStateTest, WhereNobodyIsAttachedItIsWhatARecoveryMakesOfTheLog) {
  const auto index = path_.string() + "-shm";
  std::string older_index;
  {
    SqliteShell shell(path_);
    shell.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); INSERT INTO t VALUES(1);");
    older_index = os::testing::read_text(index);
    shell.run("INSERT INTO t VALUES(randomblob(9000));");
    ::kill(shell.pid(), SIGKILL);
    shell.finish();
  }
  os::testing::write_text(index, older_index);
  const auto state = read_when_old_enough();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->checksum, checksum_by_sqlite());  // which recovers the log
}

// A daemon's own lock would keep the next application from recovering the log.
TEST_F(LocalStateTest, WhereOnlyADaemonHoldsTheIndexNothingIsSaid) {
  SqliteShell shell(path_);
  shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1);");
  ::kill(shell.pid(), SIGKILL);
  shell.finish();
  const auto index = os::File::open_read_only(path_.string() + "-shm");
  ASSERT_TRUE(index);
  {
    const auto lock = os::SharedLock::try_lock(*index, os::kShmDmsByte);
    ASSERT_TRUE(lock && *lock);
    for (const char* suffix : {"", "-wal"}) {  // not for their age
      const auto a_minute_ago = base::system_clock().unix_now() - std::chrono::minutes(1);
      ASSERT_TRUE(os::set_modified_time(path_.string() + suffix, a_minute_ago));
    }
    EXPECT_FALSE(read_local_state(path_, closer_, {}).value());
  }
  EXPECT_TRUE(read_local_state(path_, closer_, {}).value());
}

TEST_F(LocalStateTest, ATransactionWithARollbackJournalIsNotRead) {
  const SqliteShell shell(path_);
  shell.run("CREATE TABLE t(x); INSERT INTO t VALUES(1); PRAGMA cache_size=5;");
  shell.run("BEGIN EXCLUSIVE; INSERT INTO t SELECT randomblob(9000) FROM generate_series(1,30);");
  const auto state = read_local_state(path_, closer_, {});
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_FALSE(*state);
}

TEST_F(LocalStateTest, NoFileIsNotFoundAndNoDatabaseIsCorrupt) {
  EXPECT_EQ(read_local_state(path_, closer_, {}).error().category, base::Category::not_found);
  os::testing::write_text(path_, std::string(5000, 'x'));
  EXPECT_EQ(read_local_state(path_, closer_, {}).error().category, base::Category::corrupt);
}

}  // namespace
}  // namespace engine
