#include "sqlite/journal_switch.h"

#include <functional>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/testing.h"
#include "sqlite/connection.h"

namespace sqlite {
namespace {

namespace fs = std::filesystem;
using os::testing::read_text;
using os::testing::run_sqlite;
using os::testing::SqliteShell;
using os::testing::TempDir;
using os::testing::write_text;

bool has_companions(const fs::path& database) {
  return fs::exists(fs::path(database).concat("-wal")) || fs::exists(fs::path(database).concat("-shm"));
}

fs::path make_database(const TempDir& dir) {
  const fs::path path = dir / "x.db";
  CHECK(run_sqlite(path, "CREATE TABLE t(a); INSERT INTO t VALUES(1);") == 0);
  return path;
}

TEST(SwitchToWal, SwitchesAndLeavesNothingBehind) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  EXPECT_EQ(switch_to_wal(path).value(), SwitchOutcome::switched);
  EXPECT_FALSE(has_companions(path));
  EXPECT_EQ(read_text(path).substr(18, 2), "\x02\x02");
  SqliteShell shell(path);
  EXPECT_EQ(shell.ask("PRAGMA journal_mode;"), "wal");
  EXPECT_EQ(shell.ask("SELECT a FROM t;"), "1");
}

TEST(SwitchToWal, DoesNotTouchADatabaseThatIsInWalMode) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  SqliteShell shell(path);
  shell.run("PRAGMA journal_mode=WAL; INSERT INTO t VALUES(2);");
  const std::string log = read_text(fs::path(path).concat("-wal"));
  EXPECT_EQ(switch_to_wal(path).value(), SwitchOutcome::already_wal);
  EXPECT_EQ(read_text(fs::path(path).concat("-wal")), log);
}

TEST(SwitchToWal, IsBusyBesideATransactionAndLeavesItUnharmed) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  SqliteShell writer(path);
  writer.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(2);");
  EXPECT_EQ(switch_to_wal(path).value(), SwitchOutcome::busy);
  writer.run("COMMIT;");
  EXPECT_EQ(writer.ask("SELECT count(*) FROM t;"), "2");
  EXPECT_EQ(writer.ask("PRAGMA journal_mode;"), "delete");
  EXPECT_EQ(switch_to_wal(path).value(), SwitchOutcome::switched);
  EXPECT_EQ(writer.ask("SELECT count(*) FROM t;"), "2");  // an idle connection follows the change
}

TEST(SwitchToWal, IsBusyBesideAReader) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  SqliteShell reader(path);
  reader.run("BEGIN; SELECT * FROM t;");
  EXPECT_EQ(switch_to_wal(path).value(), SwitchOutcome::busy);
  EXPECT_EQ(read_text(path).substr(18, 2), "\x01\x01");
}

TEST(SwitchToWal, NeverCreatesAMissingFile) {
  const TempDir dir;
  EXPECT_EQ(switch_to_wal(dir / "x.db").error().category, base::Category::not_found);
  EXPECT_FALSE(fs::exists(dir / "x.db"));
}

TEST(SwitchToWal, RefusesWhatIsNoPlainDatabase) {
  const TempDir dir;
  write_text(dir / "empty.db", "");
  write_text(dir / "noise.db", std::string(8192, '\x5a'));
  for (const char* name : {"empty.db", "noise.db"}) {
    const std::string before = read_text(dir / name);
    EXPECT_EQ(switch_to_wal(dir / name).value(), SwitchOutcome::refused) << name;
    EXPECT_EQ(read_text(dir / name), before);
    EXPECT_FALSE(has_companions(dir / name));
  }
}

// Root may write everywhere, so the call is made by a child that is nobody.
int exit_code_as_nobody(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(2);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SwitchToWal, IsRefusedForAReadOnlyFile) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  const std::string before = read_text(path);
  EXPECT_EQ(exit_code_as_nobody([&] { return switch_to_wal(path) == SwitchOutcome::refused; }), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0000), 0);
  EXPECT_EQ(exit_code_as_nobody([&] { return switch_to_wal(path) == SwitchOutcome::refused; }), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(read_text(path), before);
}

}  // namespace
}  // namespace sqlite
