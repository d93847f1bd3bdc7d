// What stands in the log and is no commit: not yet, because the disk is slow, or not at all, because the disk failed.
// The application runs with a disk that does what the test says (tests/support/failing_sync.cpp).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/log_reader.h"
#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::eventually;
using engine::testing::open_file;
using engine::testing::Pages;
using namespace std::chrono_literals;

class GhostCommitTest : public engine::testing::TrackerTest {
 protected:
  GhostCommitTest() {
    end_app();
    start_fragile_app();
    commit(2);
  }
  void start_fragile_app() {
    app_ = std::make_unique<os::testing::SqliteShell>(
        database_,
        std::vector<std::string>{"LD_PRELOAD=" LM_FAILING_SYNC, "LM_SYNC_CONTROL=" + (dir_ / "disk").string()});
    app_->run("PRAGMA synchronous=FULL;");
  }
  // The application is told that its transaction failed; the log has all of it, with its commit mark.
  void commit_in_vain(const std::string& value) {
    os::testing::write_text(dir_ / "disk", "fails");
    app_->run("INSERT INTO t(b) VALUES('" + value + "');");
    std::filesystem::remove(dir_ / "disk");
    happens(FileEventKind::log_modified);
  }
  [[nodiscard]] std::uint32_t commits_in_the_file() const {
    const os::File wal = open_file(log());
    const auto start = log_start(wal).value();
    return read_committed(wal, {*start, kToLastValidCommit})->commits;
  }
};

TEST_F(GhostCommitTest, ACommitWhoseSyncFailedIsNotCaptured) {
  attach();
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  const Pages before = image_;
  const std::uint32_t commits = commits_in_the_file();
  commit_in_vain("ghost");
  ASSERT_EQ(commits_in_the_file(), commits + 1) << "a valid commit frame that nobody ever committed";
  ASSERT_EQ(app_->ask("SELECT count(*) FROM t WHERE b='ghost';"), "0");
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 0U);
  EXPECT_EQ(image_, before);
}

TEST_F(GhostCommitTest, TheCommitThatOverwritesAGhostContinuesTheChain) {
  attach();
  commit_in_vain("ghost");
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  app_->run("INSERT INTO t(b) VALUES('real');");
  happens(FileEventKind::log_modified);
  EXPECT_EQ(settle().commits, 1U);
  EXPECT_EQ(probe_.gaps, 0U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(GhostCommitTest, ABaseBesideAGhostDoesNotHoldIt) {
  Pages before = engine::testing::committed_pages(database_);
  commit_in_vain("ghost behind a commit");
  attach();
  EXPECT_EQ(image_, before);
  commit();
  app_->run("PRAGMA wal_checkpoint(PASSIVE);");
  before = engine::testing::committed_pages(database_);
  commit_in_vain("ghost at the start of a log");
  attach();
  EXPECT_EQ(image_, before);
}

TEST_F(GhostCommitTest, AGhostOfADeadProcessIsWhatARecoveryMakesOfIt) {
  attach();
  settle();
  commit_in_vain("ghost");
  ASSERT_EQ(settle().commits, 0U);
  kill_app();
  happens(FileEventKind::index_closed);
  clock_.advance(2s);
  EXPECT_EQ(settle().commits, 1U) << "whoever opens the database now will read it";
  EXPECT_TRUE(image_is_current());
}

TEST_F(GhostCommitTest, ACommitThatWaitsForTheDiskIsTakenWithoutAnotherEvent) {
  attach();
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  const Pages before = image_;
  const std::uint32_t commits = commits_in_the_file();
  ASSERT_EQ(::mkfifo((dir_ / "disk").c_str(), 0600), 0);
  app_->begin("INSERT INTO t(b) VALUES('slow');");
  ASSERT_TRUE(eventually([&] { return commits_in_the_file() == commits + 1; })) << "all of it is written";
  happens(FileEventKind::log_modified);
  const TrackResult result = step();
  EXPECT_EQ(result.outcome, TrackOutcome::unsettled) << "the last event there will be";
  EXPECT_EQ(result.commits, 0U);
  EXPECT_EQ(image_, before);
  const int disk = ::open((dir_ / "disk").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(disk, 0);
  std::filesystem::remove(dir_ / "disk");
  ::close(disk);
  app_->end();
  EXPECT_EQ(settle().commits, 1U);
  EXPECT_TRUE(image_is_current());
}

}  // namespace
}  // namespace engine
