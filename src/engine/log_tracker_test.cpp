// Following a log that an application has open.
#include "engine/log_tracker.h"

#include <fstream>

#include <gtest/gtest.h>

#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::age_file;
using engine::testing::committed_pages;
using engine::testing::Pages;
using namespace std::chrono_literals;

using LogTrackerTest = engine::testing::TrackerTest;

TEST_F(LogTrackerTest, KnowsNothingUntilABaseIsMade) {
  EXPECT_EQ(step().outcome, TrackOutcome::gap);
  EXPECT_EQ(probe_.gaps, 0U) << "what was never known cannot be lost";
}

TEST_F(LogTrackerTest, ABaseHoldsWhatIsInTheLogSoFar) {
  attach();
  EXPECT_TRUE(tracker_->attached());
  EXPECT_TRUE(image_is_current());
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
}

TEST_F(LogTrackerTest, TakesWhatIsCommittedLater) {
  attach();
  commit(3);
  happens(FileEventKind::log_modified);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 3U);
  EXPECT_EQ(probe_.proofs_append, 2U) << "the base's own, and this one";
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, TakesNothingOfAnOpenTransactionAndLooksAgain) {
  attach();
  settle();
  const Pages before = image_;
  app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  happens(FileEventKind::log_modified);
  const TrackResult result = step();
  EXPECT_EQ(result.outcome, TrackOutcome::unsettled);
  EXPECT_EQ(result.retry_after, 100us);
  EXPECT_EQ(image_, before);
  app_->run("COMMIT;");
  EXPECT_EQ(settle().commits, 1U) << "without any further event";
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, LooksLessAndLessOftenAtATransactionThatStaysOpen) {
  attach();
  app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  happens(FileEventKind::log_modified);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::unsettled);
  EXPECT_EQ(result.retry_after, 1s);
  app_->run("ROLLBACK;");
  EXPECT_EQ(step().outcome, TrackOutcome::quiet) << "its frames stay in the log, and nobody writes";
}

TEST_F(LogTrackerTest, FollowsARestartOfTheLogByCounting) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit(2);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 2U);
  EXPECT_EQ(probe_.proofs_ledger, 1U);
  EXPECT_EQ(probe_.gaps, 0U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, CommitsThatARestartTookAwayUnseenAreAGap) {
  attach();
  commit(3);
  settle();
  commit();
  checkpoint();
  commit();
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
  EXPECT_EQ(probe_.gaps, 1U);
  EXPECT_EQ(tracker_->position().kind, PositionKind::none);
  EXPECT_EQ(step().outcome, TrackOutcome::gap) << "until a base is made";
  attach();
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, ARestartIsAGapIfTheCounterCouldHaveStartedAgainMeanwhile) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  clock_.advance(1s);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ARestartIsAGapIfAProcessLeftMeanwhile) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  happens(FileEventKind::index_closed);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ALeavingThatIsStillOnItsWayVoidsTheLedgerToo) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  stream_.before_delivery = [this] {
    stream_.before_delivery = nullptr;
    happens(FileEventKind::index_closed);
  };
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ALeavingJustAfterALedgerVerdictTakesItBack) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  clock_.advance(200ms);
  happens(FileEventKind::index_closed);
  EXPECT_EQ(step().outcome, TrackOutcome::unsettled) << "it may be the last closer: then the log's deletion follows";
  clock_.advance(110ms);
  EXPECT_EQ(step().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ALeavingLongAfterALedgerVerdictIsNothing) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  clock_.advance(1100ms);
  happens(FileEventKind::index_closed);
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
}

TEST_F(LogTrackerTest, LostEventsVoidTheLedger) {
  attach();
  commit(3);
  settle();
  checkpoint();
  commit();
  happens(FileEventKind::events_lost);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, LostEventsDoNotBreakAWholeChain) {
  attach();
  commit(2);
  happens(FileEventKind::events_lost);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 2U);
  EXPECT_TRUE(image_is_current());
}

// A writer that died between the two copies of the index header leaves what the next one recovers in place: the counter
// starts at 0 again. Five commits take it to where it stood, and the log is restarted: all sums are right.
TEST_F(LogTrackerTest, AnIndexThatWasRecoveredInPlaceDoesNotImitateACount) {
  attach();
  commit(3);
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  ASSERT_EQ(read_index(engine::testing::open_file(index())).value()->change_counter, 5U);
  {
    std::fstream damaged(index(), std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(48 + 8).put('\x77');
  }
  commit(5);
  ASSERT_EQ(read_index(engine::testing::open_file(index())).value()->change_counter, 5U) << "counted from 0";
  checkpoint();
  commit(20);
  clock_.advance(1ms);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
  EXPECT_EQ(probe_.proofs_ledger, 0U);
  attach();
  EXPECT_TRUE(image_is_current());
}

// A power cut took an early frame while ours survived: the recovered log ends before our frame, and grows past it.
TEST_F(LogTrackerTest, ALogThatAPowerCutShortenedIsAGapBeforeAndAfterItGrewAgain) {
  for (const int later : {1, 40}) {
    if (!app_) start_app();
    app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
    commit(20);
    attach();
    ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
    const Position recorded = tracker_->position();
    ASSERT_GT(recorded.log.frame, 10U);
    kill_app();
    std::string bytes = os::testing::read_text(log());
    const auto lost = static_cast<std::size_t>(wal::frame_offset(5, 4096) + wal::kFrameHeaderBytes);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(lost), 4096, '\0');
    os::testing::write_text(log(), bytes);
    start_app();
    commit(later);
    tracker_ = std::make_unique<LogTracker>(database_,
                                            LogTrackerDeps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }});
    tracker_->resume(recorded, {});
    EXPECT_EQ(settle().outcome, TrackOutcome::gap) << later;
    attach();
    EXPECT_TRUE(image_is_current()) << later;
  }
}

// Locks of this very process do not vouch: to the tracker nobody is there, as with an application that lost its locks.
TEST_F(LogTrackerTest, AnApplicationWhoseLocksCannotBeSeenIsFollowedWhileItWrites) {
  attach();
  auto writer = sqlite::Connection::open(database_, sqlite::OpenMode::read_write);
  ASSERT_TRUE(writer->query_integer("SELECT count(*) FROM t").has_value());
  kill_app();
  ASSERT_EQ(settle().commits, 0U);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(writer->execute("INSERT INTO t(b) VALUES(randomblob(500))").has_value());
    happens(FileEventKind::log_modified);
    const TrackResult result = step();
    EXPECT_EQ(result.outcome, TrackOutcome::unsettled) << "that this was all cannot be known";
    EXPECT_FALSE(result.looked);
    EXPECT_EQ(result.commits, 1U);
    EXPECT_TRUE(image_is_current()) << i;
  }
  EXPECT_FALSE(tracker_->all_backfilled());
  ASSERT_TRUE(writer->execute("PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t(b) VALUES('restarted')").has_value());
  happens(FileEventKind::log_modified);
  EXPECT_EQ(step().commits, 0U) << "a restart is proven only under an index that somebody vouches for";
  EXPECT_EQ(probe_.proofs_ledger, 0U);
}

TEST_F(LogTrackerTest, EachCommitThatIsSeenBeforeItsTruncationIsCaptured) {
  attach();
  commit(3);
  settle();
  for (int i = 0; i < 5; ++i) {
    commit();
    ASSERT_EQ(settle().commits, 1U) << i;
    app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
    ASSERT_EQ(settle().outcome, TrackOutcome::quiet) << i;
  }
  EXPECT_TRUE(image_is_current());
  EXPECT_EQ(probe_.gaps, 0U);
}

TEST_F(LogTrackerTest, ACommitThatWasTruncatedUnseenIsAGap) {
  attach();
  commit(3);
  settle();
  app_->run("INSERT INTO t(b) VALUES('lost'); PRAGMA wal_checkpoint(TRUNCATE);");
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, AnIndexThatWasRemovedByHandIsAGapOnceItLasts) {
  attach();
  settle();
  std::filesystem::remove(index());
  EXPECT_EQ(step().outcome, TrackOutcome::unsettled);
  clock_.advance(2s);
  EXPECT_EQ(step().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ALogThatWasRemovedByHandIsAGap) {
  attach();
  settle();
  std::filesystem::remove(log());
  happens(FileEventKind::log_deleted);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, ALogThatWasRemovedByHandUnseenIsAGapOnceItLasts) {
  attach();
  settle();
  std::filesystem::remove(log());
  EXPECT_EQ(step().outcome, TrackOutcome::unsettled);
  clock_.advance(2s);
  EXPECT_EQ(step().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, AnotherFileOfTheSameNameIsAGap) {
  attach();
  happens(FileEventKind::database_replaced);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::gap);
  EXPECT_NE(result.reason.find("another file"), std::string::npos);
}

TEST_F(LogTrackerTest, WakingAColdDatabaseThatNothingHappenedToIsFree) {
  attach();
  checkpoint();
  rest();
  EXPECT_FALSE(tracker_->attached());
  happens(FileEventKind::checked);
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
  EXPECT_EQ(probe_.gaps, 0U);
}

TEST_F(LogTrackerTest, WakingWithARestartedLogIsProvenByTheUnchangedFile) {
  attach();
  commit(2);
  checkpoint();
  rest();
  commit(2);
  happens(FileEventKind::log_modified);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(result.commits, 2U);
  EXPECT_EQ(probe_.proofs_unchanged, 1U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, WakingAfterAHiddenRestartIsAGap) {
  attach();
  commit(5);
  checkpoint();
  rest();
  commit();
  checkpoint();
  commit();
  happens(FileEventKind::log_modified);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, GoingColdWithALogThatIsNotBackfilledStillContinuesByItsChain) {
  attach();
  commit(2);
  rest();
  EXPECT_FALSE(tracker_->fingerprint().complete);
  commit(2);
  happens(FileEventKind::log_modified);
  EXPECT_EQ(settle().commits, 2U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, GoesOnFromARecordedPositionAfterARestartOfTheDaemon) {
  attach();
  commit(2);
  settle();
  const Position recorded = tracker_->position();
  const Fingerprint file = tracker_->fingerprint();
  commit(2);
  tracker_ = std::make_unique<LogTracker>(database_,
                                          LogTrackerDeps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }});
  tracker_->resume(recorded, file);
  EXPECT_EQ(settle().commits, 2U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogTrackerTest, ARecordedLogProvesNothingBesideAFileThatWasTouchedSince) {
  attach();
  commit(2);
  settle();
  const Position recorded = tracker_->position();
  const Fingerprint file = tracker_->fingerprint();
  checkpoint();
  for (const Fingerprint& then : {file, Fingerprint{}}) {
    tracker_ = std::make_unique<LogTracker>(database_,
                                            LogTrackerDeps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }});
    tracker_->resume(recorded, then);
    EXPECT_EQ(settle().outcome, TrackOutcome::gap);
  }
}

TEST_F(LogTrackerTest, ARestartOfTheDaemonForgetsTheLedger) {
  attach();
  commit(5);
  settle();
  const Position recorded = tracker_->position();
  checkpoint();
  commit();
  tracker_ = std::make_unique<LogTracker>(database_,
                                          LogTrackerDeps{&clock_, &stream_, &closer_, &probe_, [this] { drain(); }});
  tracker_->resume(recorded, {});
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

TEST_F(LogTrackerTest, AMoveForgetsEverything) {
  attach();
  tracker_->move_to(dir_ / "y.db");
  EXPECT_EQ(step().outcome, TrackOutcome::gap);
  EXPECT_FALSE(tracker_->log_open());
}

// While a log is kept an application's RESTART and TRUNCATE checkpoints wait, so it is let go of in time, whatever the
// image is at.
TEST_F(LogTrackerTest, AKeptLogIsLetGoWhenItsTimeIsUpAndTheCheckpointThatWaitsGoesOn) {
  attach();
  commit(3);
  tracker_->keep_log(clock_.steady_now() + std::chrono::seconds(2), std::uint64_t{1} << 30);
  ASSERT_TRUE(tracker_->begin_base(set_).has_value());
  ASSERT_TRUE(tracker_->kept_until().has_value());
  EXPECT_EQ(app_->ask("PRAGMA wal_checkpoint(TRUNCATE);").substr(0, 2), "1|") << "busy for who has no patience";
  app_->begin("PRAGMA busy_timeout=60000; PRAGMA wal_checkpoint(TRUNCATE);");
  clock_.advance(std::chrono::milliseconds(1999));
  tracker_->let_log_go_if_due();
  EXPECT_TRUE(tracker_->kept_until().has_value());
  EXPECT_GT(std::filesystem::file_size(log()), 0U);
  clock_.advance(std::chrono::milliseconds(1));
  tracker_->let_log_go_if_due();
  EXPECT_FALSE(tracker_->kept_until().has_value());
  app_->end();
  EXPECT_EQ(std::filesystem::file_size(log()), 0U);
}

TEST_F(LogTrackerTest, AKeptLogIsLetGoWhenItHasGrownTooFar) {
  attach();
  tracker_->keep_log(clock_.steady_now() + std::chrono::hours(1), 200'000);
  ASSERT_TRUE(tracker_->begin_base(set_).has_value());
  const auto before = std::filesystem::file_size(log());
  for (int i = 0; i < 200 && tracker_->kept_until(); ++i) {
    commit();
    happens(FileEventKind::log_modified);
    step();
    tracker_->let_log_go_if_due();
  }
  EXPECT_FALSE(tracker_->kept_until().has_value());
  EXPECT_GT(std::filesystem::file_size(log()), before + 200'000);
  EXPECT_LT(std::filesystem::file_size(log()), before + 300'000);
}

}  // namespace
}  // namespace engine
