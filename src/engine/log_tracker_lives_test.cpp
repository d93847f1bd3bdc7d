// Logs that come and go: one-shot processes and last closes.
#include <gtest/gtest.h>

#include "engine/log_tracker.h"
#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::age_file;
using engine::testing::LogLivesTest;
using engine::testing::open_file;
using namespace std::chrono_literals;

TEST_F(LogLivesTest, AClosedDatabaseStaysKnown) {
  EXPECT_EQ(tracker_->position().kind, PositionKind::closed);
  EXPECT_TRUE(tracker_->all_backfilled());
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
}

TEST_F(LogLivesTest, AOneShotLifeIsCapturedAfterItsDeletion) {
  Attachment pair = begin_life(3);
  created(created_at_, std::move(pair));
  end_app();
  closed();
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 3U);
  EXPECT_EQ(probe_.proofs_life, 1U);
  EXPECT_EQ(probe_.gaps, 0U);
  EXPECT_EQ(tracker_->position().kind, PositionKind::closed);
  EXPECT_FALSE(tracker_->log_open());
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, ALogThatIsOpenAndNotWrittenToIsQuietAndItsFirstCommitIsProven) {
  app_ = std::make_unique<os::testing::SqliteShell>(database_);
  ASSERT_EQ(app_->ask("SELECT count(*) FROM t;"), "1");
  const std::uint64_t position = stream_.next();
  created(position, open_both());
  EXPECT_EQ(step().outcome, TrackOutcome::quiet);
  clock_.advance(10s);
  commit();
  happens(FileEventKind::log_modified);
  EXPECT_EQ(settle().commits, 1U);
  EXPECT_EQ(probe_.proofs_life, 1U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, ManyOneShotLivesInARowAreEachProven) {
  for (int i = 0; i < 3; ++i) {
    Attachment pair = begin_life(2);
    created(created_at_, std::move(pair));
    end_app();
    closed();
  }
  EXPECT_EQ(settle().commits, 6U);
  EXPECT_EQ(probe_.proofs_life, 3U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, AnOpenLifeIsFollowedAndFinishedAtItsEnd) {
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  EXPECT_EQ(settle().commits, 2U);
  commit();
  end_app();
  closed();
  EXPECT_EQ(settle().commits, 1U);
  EXPECT_EQ(probe_.gaps, 0U);
  EXPECT_EQ(tracker_->position().kind, PositionKind::closed);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, ALifeThatNobodyCouldOpenIsAGap) {
  begin_life(2);
  created(created_at_, {});
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
  EXPECT_EQ(probe_.lives_missed, 1U);
}

TEST_F(LogLivesTest, ALifeThatWasMissedAndChangedNothingIsNoGap) {
  age_file(database_);
  tracker_->note_fingerprint(take_fingerprint(*os::stat_path(database_), true, clock_.unix_now()));
  start_app();
  (void)app_->ask("SELECT count(*) FROM t;");
  end_app();
  created(stream_.next(), {});
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
  EXPECT_EQ(probe_.lives_missed, 0U);
}

TEST_F(LogLivesTest, ALifeWithOnlyItsLogOpenIsAGap) {
  Attachment pair = begin_life(2);
  closer_.close_later(std::move(pair.shm));
  pair.shm = {};
  created(created_at_, std::move(pair));
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, DescriptorsOfALaterLifeAreNotTakenForTheEarlierOne) {
  const std::uint64_t first = stream_.next();
  start_app();
  commit(2);
  end_app();
  const std::uint64_t first_deleted = stream_.next();
  // The watcher's thread reads the first creation only now, and opens what has the name by then.
  Attachment pair = begin_life(1);
  const std::uint64_t second = created_at_;
  created(first, std::move(pair));
  mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
  created(second, {});
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
  EXPECT_EQ(probe_.proofs_life, 0U);
}

// A created log can be opened a moment before its event is queued, so its mark then lies before its own creation. Its
// index comes after that event, so the only index that can be opened beside it is the one of the life before.
TEST_F(LogLivesTest, TheLogOfALaterLifeBesideTheIndexOfTheEarlierProvesNothing) {
  for (const int commits : {1, 3}) {
    Attachment first = begin_life(commits);
    const std::uint64_t first_created = created_at_;
    end_app();
    const std::uint64_t first_deleted = stream_.next();
    start_app();
    commit(commits);
    Attachment mixed;
    mixed.mark_before = stream_.mark();
    mixed.wal = open_file(log());
    mixed.shm = std::move(first.shm);
    mixed.mark = stream_.mark();
    const std::uint64_t second_created = stream_.next();
    end_app();
    created(first_created, std::move(mixed));
    mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
    created(second_created, {});
    closed();
    EXPECT_EQ(settle().outcome, TrackOutcome::gap);
    attach();
  }
  EXPECT_EQ(probe_.proofs_life, 0U);
}

TEST_F(LogLivesTest, DescriptorsThatWereOpenedTwiceForTheLaterLifeProveItOnlyOnce) {
  const std::uint64_t first = stream_.next();
  start_app();
  commit(1);
  end_app();
  const std::uint64_t first_deleted = stream_.next();
  // The watcher's thread is late for both: it reads the two creations one after the other and opens the second life's
  // log for each of them. The two lives look alike, one commit each.
  Attachment pair = begin_life(1);
  created(first, std::move(pair));
  mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
  created(created_at_, open_both());
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "the first life's commit was seen by nobody";
  EXPECT_EQ(probe_.proofs_life, 0U);
}

TEST_F(LogLivesTest, NoVerdictOnALifeBeforeTheStreamIsReadUpToItsOpening) {
  const std::uint64_t first = stream_.next();
  start_app();
  commit(2);
  end_app();
  const std::uint64_t first_deleted = stream_.next();
  Attachment pair = begin_life(1);
  created(first, std::move(pair));
  mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
  drain();
  stream_.held_back = true;
  EXPECT_EQ(step().outcome, TrackOutcome::unsettled) << "whose descriptors these are is not known yet";
  EXPECT_EQ(probe_.proofs_life, 0U);
  stream_.held_back = false;
  created(created_at_, {});
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, DescriptorsOpenedTwiceForALaterLifeDoNotStandForTheEarlierOne) {
  const std::uint64_t first = stream_.next();
  start_app();
  commit(2);
  end_app();
  const std::uint64_t first_deleted = stream_.next();
  // The watcher's thread is so late that it opens the second log for both creations, and that is over as well before
  // anybody looks.
  Attachment for_first = begin_life(1);
  Attachment for_second = open_both();
  const std::uint64_t second = created_at_;
  end_app();
  created(first, std::move(for_first));
  mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
  created(second, std::move(for_second));
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "nobody has seen what the first life committed";
  EXPECT_EQ(probe_.proofs_life, 0U);
}

TEST_F(LogLivesTest, AnEmptyLogIsNotCaughtUpBeforeTheStreamWasHeard) {
  const std::uint64_t first = stream_.next();
  start_app();
  commit(2);
  end_app();
  const std::uint64_t first_deleted = stream_.next();
  const std::uint64_t second = stream_.next();
  start_app();
  ASSERT_EQ(app_->ask("SELECT count(*) FROM t;"), "3");
  created(first, open_both());
  // Of the first life's end and the second's beginning only the stream tells.
  stream_.before_delivery = [&] {
    mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
    created(second, {});
    stream_.before_delivery = {};
  };
  EXPECT_EQ(step().outcome, TrackOutcome::unsettled);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, TheSecondLifeUsesTheDescriptorsThatWereOpenedForTheFirst) {
  age_file(database_);
  tracker_->note_fingerprint(take_fingerprint(*os::stat_path(database_), true, clock_.unix_now()));
  // The first life does not write; the second is opened while the watcher still works on the first.
  const std::uint64_t first = stream_.next();
  const std::uint64_t first_deleted = stream_.next();
  Attachment pair = begin_life(2);
  created(first, std::move(pair));
  mail_.push_back({FileEventKind::log_deleted, first_deleted, {}});
  created(created_at_, {});
  drain();
  EXPECT_TRUE(tracker_->attached());
}

TEST_F(LogLivesTest, LostEventsVoidTheProofOfALife) {
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  end_app();
  happens(FileEventKind::events_lost);
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

// A switch to WAL and the first log are a moment apart: the log may be opened by its path before either was told.
TEST_F(LogLivesTest, AWriteIntoTheFileThatIsToldAfterTheNextLogWasOpenedIsNotForgotten) {
  os::testing::run_sqlite(database_,
                          "PRAGMA journal_mode=DELETE; INSERT INTO t(b) VALUES('x'); PRAGMA journal_mode=WAL");
  const std::uint64_t written = stream_.next();
  start_app();
  commit(2);
  const std::uint64_t created_at = stream_.next();
  stream_.held_back = true;
  ASSERT_EQ(step().outcome, TrackOutcome::unsettled);
  stream_.held_back = false;
  mail_.push_back({FileEventKind::database_modified, written, {}});
  created(created_at, {});
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

// SQLite deletes the index first. Whoever dies between the two leaves a log that goes on with another index.
TEST_F(LogLivesTest, ALogThatWentOnWithAnotherIndexIsAGap) {
  Attachment pair = begin_life(3);
  created(created_at_, std::move(pair));
  checkpoint();
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  kill_app();
  std::filesystem::remove(index());
  start_app();
  commit(2);
  end_app();
  happens(FileEventKind::index_closed);
  happens(FileEventKind::log_deleted);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, AFinalLookDoesNotMakeUpForLostEvents) {
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  ASSERT_EQ(settle().commits, 2U);
  end_app();
  start_app();
  commit(2);
  happens(FileEventKind::events_lost);  // among them the end of this log and the beginning of the next
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "a whole life went by unseen";
}

TEST_F(LogLivesTest, LostEventsAskTheFingerprintOfAClosedDatabase) {
  happens(FileEventKind::events_lost);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "without a fingerprint anything may have happened";
  attach();
  age_file(database_);
  tracker_->note_fingerprint(take_fingerprint(*os::stat_path(database_), true, clock_.unix_now()));
  happens(FileEventKind::events_lost);
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
  EXPECT_EQ(probe_.proofs_unchanged, 1U);
}

// The daemon was away: what it recorded is believed only if the file is as it was.
class ResumedLogLivesTest : public LogLivesTest {
 protected:
  void restart_daemon_around(const std::function<void()>& unseen) {
    age_file(database_);
    const Fingerprint recorded = take_fingerprint(*os::stat_path(database_), true, clock_.unix_now());
    ASSERT_TRUE(recorded.complete);
    unseen();
    tracker_ = std::make_unique<LogTracker>(database_,
                                            LogTrackerDeps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }});
    tracker_->resume({PositionKind::closed, {}}, recorded);
  }
  void write_unseen() {
    start_app();
    commit(2);
    end_app();
  }
};

TEST_F(ResumedLogLivesTest, WithoutAnyLogTheFileDecides) {
  restart_daemon_around([] {});
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
  restart_daemon_around([this] { write_unseen(); });
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(ResumedLogLivesTest, ALifeBeforeTheFirstStepIsNoProofIfTheFileHadChanged) {
  restart_daemon_around([this] { write_unseen(); });
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(ResumedLogLivesTest, AFinishedLifeBeforeTheFirstStepIsNoProofEither) {
  restart_daemon_around([this] { write_unseen(); });
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(ResumedLogLivesTest, AnOpeningBeforeTheFirstStepDoesNotHideThatTheFileHadChanged) {
  restart_daemon_around([this] { write_unseen(); });
  app_ = std::make_unique<os::testing::SqliteShell>(database_);
  ASSERT_EQ(app_->ask("SELECT count(*) FROM t;"), "3");
  const std::uint64_t position = stream_.next();
  created(position, open_both());
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, AClosedDatabaseThatIsWrittenWithoutALogIsAGap) {
  start_app();
  app_->run("PRAGMA journal_mode=DELETE;");
  settle();
  attach();
  app_->run("INSERT INTO t(b) VALUES('in place');");
  happens(FileEventKind::database_modified);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, AProcessThatDiedWithinALifeVoidsItsCount) {
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  os::testing::SqliteShell second(database_);
  (void)second.ask("SELECT count(*) FROM t;");
  ASSERT_EQ(::kill(second.pid(), SIGKILL), 0);
  second.finish();
  happens(FileEventKind::index_closed);
  end_app();
  closed();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogLivesTest, AnEmptyLogWhoseIndexWasRebuiltIsAGap) {
  Attachment pair = begin_life(2);
  created(created_at_, std::move(pair));
  kill_app();
  happens(FileEventKind::index_closed);
  start_app();
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "it looks like a log that nobody has written to";
}

TEST_F(LogLivesTest, ADatabaseHeldExclusivelyIsReportedAsBlocked) {
  start_app();
  app_->run("PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t(b) VALUES('mine');");
  created(stream_.next(), {});
  TrackResult result = step();
  for (int i = 0; i < 20 && result.outcome == TrackOutcome::unsettled; ++i) {
    clock_.advance(500ms);
    result = step();
  }
  EXPECT_EQ(result.outcome, TrackOutcome::blocked);
  EXPECT_NE(result.reason.find("exclusively"), std::string::npos);
}

}  // namespace
}  // namespace engine
