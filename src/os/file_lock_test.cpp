#include "os/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/testing.h"

namespace os {
namespace {

using testing::SqliteShell;
using testing::TempDir;
using testing::write_text;

// A database in WAL mode that a child process has open, with one row.
struct AttachedShell {
  TempDir dir;
  fs::path database = dir / "x.db";
  SqliteShell shell{database};

  AttachedShell() { shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1);"); }
  [[nodiscard]] File open(std::string_view suffix) const {
    return *File::open_read_only(fs::path(database).concat(suffix));
  }
};

TEST(LockHolder, NamesTheProcessThatIsAttached) {
  const AttachedShell app;
  const File shm = app.open("-shm");
  const auto holder = lock_holder(shm, kShmDmsByte);
  ASSERT_TRUE(holder.has_value() && holder->has_value());
  EXPECT_EQ((*holder)->pid, app.shell.pid());
  EXPECT_FALSE((*holder)->exclusive);
  EXPECT_TRUE(foreign_process_lock(shm, kShmDmsByte));
  EXPECT_TRUE(foreign_process_lock(app.open(""), kDbSharedFirst, kDbSharedSize));
}

TEST(LockHolder, SeesTheWriterOnlyDuringItsTransaction) {
  const AttachedShell app;
  const File shm = app.open("-shm");
  EXPECT_EQ(lock_holder(shm, kShmWriteByte).value(), std::nullopt);
  app.shell.run("BEGIN IMMEDIATE;");
  const auto holder = lock_holder(shm, kShmWriteByte);
  ASSERT_TRUE(holder.has_value() && holder->has_value());
  EXPECT_EQ((*holder)->pid, app.shell.pid());
  EXPECT_TRUE((*holder)->exclusive);
  app.shell.run("COMMIT;");
  EXPECT_EQ(lock_holder(shm, kShmWriteByte).value(), std::nullopt);
}

TEST(LockHolder, OfAnOpenFileDescriptionHasNoPidAndVouchesForNothing) {
  const TempDir dir;
  write_text(dir / "a", "");
  const File holder_file = *File::open_read_only(dir / "a");
  const File asking_file = *File::open_read_only(dir / "a");
  const auto lock = SharedLock::try_lock(holder_file, kShmDmsByte);
  ASSERT_TRUE(lock.has_value() && lock->has_value());
  const auto holder = lock_holder(asking_file, kShmDmsByte);
  ASSERT_TRUE(holder.has_value() && holder->has_value());
  EXPECT_EQ((*holder)->pid, -1);
  EXPECT_FALSE(foreign_process_lock(asking_file, kShmDmsByte));
  EXPECT_EQ(lock_holder(holder_file, kShmDmsByte).value(), std::nullopt);  // its own does not count
}

TEST(LockHolder, OwnProcessLockDoesNotVouch) {
  const TempDir dir;
  write_text(dir / "a", "");
  const File own = *File::create(dir / "a");
  struct flock posix{};
  posix.l_type = F_WRLCK;
  posix.l_start = 128;
  posix.l_len = 1;
  ASSERT_EQ(::fcntl(own.descriptor(), F_SETLK, &posix), 0);
  EXPECT_EQ(lock_holder(own, kShmDmsByte).value()->pid, ::getpid());
  EXPECT_FALSE(foreign_process_lock(own, kShmDmsByte));
}

TEST(SharedLock, BlocksNobodyWhoShares) {
  const AttachedShell app;
  const File shm = app.open("-shm");
  const auto lock = SharedLock::try_lock(shm, kShmRead0Byte + 4);
  ASSERT_TRUE(lock.has_value() && lock->has_value());
  EXPECT_EQ(app.shell.ask("SELECT count(*) FROM t;"), "1");
  app.shell.run("INSERT INTO t VALUES(2);");
  EXPECT_EQ(app.shell.ask("SELECT count(*) FROM t;"), "2");
}

TEST(SharedLock, IsRefusedWhereSomebodyHoldsTheRangeExclusively) {
  const AttachedShell app;
  const File shm = app.open("-shm");
  app.shell.run("BEGIN IMMEDIATE;");
  EXPECT_EQ(SharedLock::try_lock(shm, kShmWriteByte).value().has_value(), false);
  app.shell.run("COMMIT;");
  EXPECT_EQ(SharedLock::try_lock(shm, kShmWriteByte).value().has_value(), true);
}

TEST(SharedLock, IsReleasedByItsDestructorAndOnlyThen) {
  const TempDir dir;
  write_text(dir / "a", "");
  const File holder_file = *File::open_read_only(dir / "a");
  const File asking_file = *File::open_read_only(dir / "a");
  {
    auto lock = SharedLock::try_lock(holder_file, 10, 5);
    ASSERT_TRUE(lock.has_value() && lock->has_value());
    const SharedLock moved = std::move(**lock);
    EXPECT_FALSE((*lock)->held());
    EXPECT_TRUE(moved.held());
    EXPECT_TRUE(lock_holder(asking_file, 14).value().has_value());
    EXPECT_FALSE(lock_holder(asking_file, 15).value().has_value());
  }
  EXPECT_FALSE(lock_holder(asking_file, 10, 5).value().has_value());
}

TEST(ExclusiveFileLock, IsHeldByOneAtATime) {
  const TempDir dir;
  {
    const auto first = ExclusiveFileLock::acquire(dir / "lock");
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(ExclusiveFileLock::acquire(dir / "lock").error().category, base::Category::conflict);
  }
  EXPECT_TRUE(ExclusiveFileLock::acquire(dir / "lock").has_value());
  EXPECT_EQ(ExclusiveFileLock::acquire(dir / "no/such/lock").error().category, base::Category::not_found);
}

TEST(ReadLease, IsRefusedWhileAnApplicationHasTheFileOpenForWriting) {
  AttachedShell app;
  const File database = app.open("");
  const File log = app.open("-wal");
  EXPECT_FALSE(read_leases_granted(database));
  EXPECT_FALSE(read_leases_granted(log));
  ASSERT_EQ(app.shell.finish(), 0);
  EXPECT_TRUE(read_leases_granted(database));
  EXPECT_TRUE(read_leases_granted(database));  // the first one was given back
}

}  // namespace
}  // namespace os
