// The pin against an application in another process.
#include "engine/pin.h"

#include <gtest/gtest.h>

#include "engine/look.h"
#include "engine/testing.h"

namespace engine {
namespace {

using engine::testing::open_file;
using os::testing::SqliteShell;
using os::testing::TempDir;
using namespace std::chrono_literals;

class PinTest : public ::testing::Test {
 protected:
  PinTest() {
    app_.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a); INSERT INTO t VALUES(1);");
    shm_ = open_file(database_.string() + "-shm");
  }
  ~PinTest() override { pin_.release(); }

  // Asked through another descriptor, so that our own lock is seen.
  [[nodiscard]] bool locked(std::uint32_t slot) const {
    const os::File other = open_file(database_.string() + "-shm");
    return os::lock_holder(other, os::kShmRead0Byte + slot).value().has_value();
  }

  TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  SqliteShell app_{database_};
  os::File shm_;
  Probe probe_;
  Pin pin_{&probe_};
  base::SteadyTime now_ = std::chrono::steady_clock::now();
};

TEST_F(PinTest, HoldsTheLastReadSlot) {
  pin_.hold(shm_, now_);
  EXPECT_TRUE(pin_.held());
  EXPECT_TRUE(locked(4));
  EXPECT_FALSE(locked(3));
  EXPECT_EQ(probe_.pins, 1U);
  pin_.release();
  EXPECT_FALSE(locked(4));
}

TEST_F(PinTest, TakesTheSlotBelowIfTheLastIsTaken) {
  const os::File other = open_file(database_.string() + "-shm");
  // An exclusive lock stands for a reader that is just changing the slot's mark.
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(os::kShmRead0Byte + 4);
  lock.l_len = 1;
  const int writable = ::open((database_.string() + "-shm").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writable, 0);
  ASSERT_EQ(::fcntl(writable, F_OFD_SETLK, &lock), 0);
  pin_.hold(shm_, now_);
  EXPECT_TRUE(pin_.held());
  EXPECT_TRUE(locked(3));
  ::close(writable);
}

TEST_F(PinTest, LetsGoWhenItsTimeIsUpAndStaysAwayAsLong) {
  pin_.hold(shm_, now_);
  pin_.check(shm_, now_ + 19ms);
  EXPECT_TRUE(pin_.held());
  pin_.check(shm_, now_ + 20ms);
  EXPECT_FALSE(pin_.held());
  pin_.hold(shm_, now_ + 39ms);
  EXPECT_FALSE(pin_.held());
  pin_.hold(shm_, now_ + 40ms);
  EXPECT_TRUE(pin_.held());
}

TEST_F(PinTest, ALongPinIsHeldLongerButNotForEver) {
  pin_.allow_long(true);
  pin_.hold(shm_, now_);
  pin_.check(shm_, now_ + 1999ms);
  EXPECT_TRUE(pin_.held());
  pin_.check(shm_, now_ + 2000ms);
  EXPECT_FALSE(pin_.held());
}

TEST_F(PinTest, IsNotHeldWithAUsedMark) {
  pin_.hold(shm_, now_);
  ASSERT_TRUE(pin_.held());
  // A shared-memory file in which every slot has a reader's mark.
  std::string bytes = os::testing::read_text(database_.string() + "-shm");
  for (std::size_t at = 100; at < 120; ++at) bytes[at] = 1;
  os::testing::write_text(dir_ / "used", bytes);
  const os::File used = open_file(dir_ / "used");
  pin_.check(used, now_);
  EXPECT_FALSE(pin_.held());
  pin_.hold(used, now_);
  EXPECT_FALSE(pin_.held());
}

TEST_F(PinTest, AnApplicationThatTruncatesItselfIsLeftAloneForAMinute) {
  pin_.learn_truncation(now_);
  pin_.hold(shm_, now_ + 59s);
  EXPECT_FALSE(pin_.held());
  pin_.hold(shm_, now_ + 60s);
  EXPECT_TRUE(pin_.held());
}

TEST_F(PinTest, KeepsTheGenerationButLimitsNoCheckpoint) {
  pin_.hold(shm_, now_);
  ASSERT_TRUE(pin_.held());
  EXPECT_EQ(app_.ask("PRAGMA wal_checkpoint(PASSIVE);"), "0|3|3");
  const auto before = read_index(shm_).value();
  app_.run("INSERT INTO t VALUES(2);");
  const auto after = read_index(shm_).value();
  EXPECT_EQ(after->salts, before->salts);
  EXPECT_GT(after->max_frame, before->max_frame);
}

TEST_F(PinTest, AWriterThatWantsToTruncateGetsItsWay) {
  pin_.hold(shm_, now_);
  ASSERT_TRUE(pin_.held());
  app_.run("PRAGMA busy_timeout=10000;");
  std::string answer;
  std::atomic<bool> done{false};
  std::thread truncating([&] {
    answer = app_.ask("PRAGMA wal_checkpoint(TRUNCATE);");
    done = true;
  });
  // Checked as often as a tracker does while it holds a pin; our clock stands still, so only the writer's wish counts.
  EXPECT_TRUE(engine::testing::eventually([&] {
    pin_.check(shm_, now_);
    return !pin_.held();
  }));
  EXPECT_TRUE(engine::testing::eventually([&] { return done.load(); }));
  truncating.join();
  EXPECT_EQ(answer, "0|0|0");
  pin_.hold(shm_, now_ + 1s);
  EXPECT_FALSE(pin_.held()) << "learned";
}

TEST_F(PinTest, WithoutChecksInTimeItsCapIsWhatAWriterWaitsAtMost) {
  pin_.hold(shm_, now_);
  EXPECT_EQ(app_.ask("PRAGMA busy_timeout=0; PRAGMA wal_checkpoint(TRUNCATE);"), "0");
  pin_.check(shm_, now_ + Pin::kHold);
  EXPECT_FALSE(pin_.held());
  EXPECT_EQ(app_.ask("PRAGMA wal_checkpoint(TRUNCATE);"), "0|0|0");
}

}  // namespace
}  // namespace engine
