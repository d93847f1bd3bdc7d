// For tests only: a tracker on a database that an application in another process writes, with events fed by hand.
#pragma once

#include <csignal>
#include <deque>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "engine/log_tracker.h"
#include "engine/testing.h"

namespace engine::testing {

class TrackerTest : public ::testing::Test {
 protected:
  TrackerTest() {
    LogTrackerDeps deps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }};
    tracker_ = std::make_unique<LogTracker>(database_, std::move(deps));
    start_app();
    app_->run("PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 'x');");
  }

  void start_app() { app_ = std::make_unique<os::testing::SqliteShell>(database_); }
  // The last close: checkpoints, unlinks the log.
  void end_app() {
    app_->finish();
    app_.reset();
  }
  void kill_app() {
    ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
    end_app();
  }
  void commit(int times = 1) const {
    for (int i = 0; i < times; ++i) app_->run("INSERT INTO t(b) VALUES(randomblob(500));");
  }
  // Everything into the database file; the next commit starts the log again.
  void checkpoint() const { app_->run("PRAGMA wal_checkpoint(PASSIVE);"); }

  [[nodiscard]] std::filesystem::path log() const { return database_.string() + "-wal"; }
  [[nodiscard]] std::filesystem::path index() const { return database_.string() + "-shm"; }

  // Events that are on their way: the tracker gets them at its next drain.
  void drain() {
    for (; !mail_.empty(); mail_.pop_front()) tracker_->on_event(std::move(mail_.front()));
  }
  void happens(FileEventKind kind) { mail_.push_back({kind, stream_.next(), {}}); }
  Attachment open_both() {
    Attachment pair;
    pair.mark_before = stream_.mark();
    pair.wal = open_file(log());
    pair.shm = open_file(index());
    pair.mark = stream_.mark();
    return pair;
  }

  // Makes the state known: the tracker's base, and the file below it.
  void attach() {
    const auto based = tracker_->begin_base(set_);
    ASSERT_TRUE(based.has_value());
    ASSERT_NE(tracker_->position().kind, PositionKind::none) << based->reason;
    image_ = pages_of_file(database_);
    lay();
  }
  void lay() {
    const std::uint32_t size = tracker_->page_size() > 0 ? tracker_->page_size() : 4096;
    const auto count = tracker_->page_count().value_or(static_cast<std::uint32_t>(image_.size()));
    lay_over(image_, set_, size, count);
  }
  TrackResult step() {
    drain();
    auto result = tracker_->step(set_);
    CHECK(result.has_value());
    if (result->took_pages && result->outcome != TrackOutcome::gap) lay();
    return *result;
  }
  // Steps as a client does, in time that passes at once.
  TrackResult settle() {
    TrackResult result = step();
    for (int i = 0; i < 60 && result.outcome == TrackOutcome::unsettled; ++i) {
      clock_.advance(result.retry_after);
      const std::uint32_t commits = result.commits;
      result = step();
      result.commits += commits;
    }
    return result;
  }
  // The client rests: descriptors are let go of with a proof for waking.
  void rest() {
    age_file(database_);
    const auto stat = os::stat_path(database_);
    ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
    tracker_->go_cold(take_fingerprint(*stat, tracker_->all_backfilled(), clock_.unix_now()));
  }
  [[nodiscard]] bool image_is_current() const { return image_ == committed_pages(database_); }

  os::testing::TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  ManualClock clock_;
  FakeStream stream_;
  os::FileCloser closer_;
  Probe probe_;
  PageSet set_{dir_.path(), std::uint64_t{1} << 30};
  Pages image_;
  std::deque<FileEvent> mail_;
  std::unique_ptr<LogTracker> tracker_;
  std::unique_ptr<os::testing::SqliteShell> app_;
};

// Logs that come and go: a database whose last application has just left it.
class LogLivesTest : public TrackerTest {
 protected:
  // From here on: a database without log, all of it known.
  LogLivesTest() {
    end_app();
    attach();
  }

  // A process that opens, commits and is watched doing so: its log's descriptors.
  Attachment begin_life(int commits) {
    start_app();
    commit(1);
    const std::uint64_t created = stream_.next();
    Attachment pair = open_both();
    commit(commits - 1);
    created_at_ = created;
    return pair;
  }
  void created(std::uint64_t position, Attachment pair) {
    mail_.push_back({FileEventKind::log_created, position, std::move(pair)});
  }
  void closed() {
    happens(FileEventKind::index_closed);
    happens(FileEventKind::log_deleted);
  }

  std::uint64_t created_at_ = 0;
};

}  // namespace engine::testing
