// What a dead writer leaves behind: a log with nobody attached.
#include <gtest/gtest.h>

#include "engine/log_tracker.h"
#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::age_file;
using engine::testing::LogLivesTest;
using namespace std::chrono_literals;

TEST_F(LogLivesTest, ALeftoverOfAKilledWriterIsReadUpToItsLastCommit) {
  Attachment pair = begin_life(3);
  created(created_at_, std::move(pair));
  ASSERT_EQ(settle().commits, 3U);
  clock_.advance(2s);  // the verdict that rests on its counter is long ago
  commit(2);
  kill_app();
  happens(FileEventKind::index_closed);
  const TrackResult first = step();
  EXPECT_EQ(first.outcome, TrackOutcome::unsettled) << "somebody may just be starting";
  clock_.advance(2s);
  const TrackResult result = settle();
  EXPECT_EQ(result.outcome, TrackOutcome::quiet);
  EXPECT_EQ(first.commits + result.commits, 2U);
  EXPECT_EQ(tracker_->position().kind, PositionKind::log);
  EXPECT_FALSE(tracker_->all_backfilled());
  EXPECT_TRUE(image_is_current());
  EXPECT_TRUE(std::filesystem::exists(log())) << "not ours to tidy up";
}

TEST_F(LogLivesTest, ALeftoverIsGoneOnWithWhenTheApplicationComesBack) {
  Attachment pair = begin_life(3);
  created(created_at_, std::move(pair));
  settle();
  kill_app();
  clock_.advance(2s);
  ASSERT_EQ(settle().outcome, TrackOutcome::quiet);
  start_app();
  commit(2);
  happens(FileEventKind::log_modified);
  EXPECT_EQ(settle().commits, 2U);
  EXPECT_EQ(probe_.gaps, 0U);
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, AnEmptyLeftoverDoesNotTellWhatWasInIt) {
  Attachment pair = begin_life(2);
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  created(created_at_, std::move(pair));
  kill_app();
  happens(FileEventKind::index_closed);
  drain();
  clock_.advance(2s);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap) << "what was committed is in the file, and nobody has taken it";
}

TEST_F(LogLivesTest, AnEmptyLeftoverBesideAnUnchangedFileIsNoGap) {
  age_file(database_);
  tracker_->note_fingerprint(take_fingerprint(*os::stat_path(database_), true, clock_.unix_now()));
  start_app();
  (void)app_->ask("SELECT count(*) FROM t;");
  created(stream_.next(), open_both());
  kill_app();
  happens(FileEventKind::index_closed);
  drain();
  clock_.advance(2s);
  EXPECT_EQ(settle().outcome, TrackOutcome::quiet);
}

TEST_F(LogLivesTest, ABaseOnALeftoverHoldsItsCommits) {
  begin_life(3);
  kill_app();
  EXPECT_EQ(tracker_->begin_base(set_)->outcome, TrackOutcome::quiet) << "the last event is long ago";
  clock_.advance(2s);
  attach();
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, ALeftoverWithoutAnyCommitIsAPositionToo) {
  start_app();
  app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  kill_app();
  clock_.advance(2s);
  attach();
  EXPECT_EQ(tracker_->position().kind, PositionKind::log);
  EXPECT_EQ(tracker_->position().log.frame, 0U);
  EXPECT_TRUE(image_is_current());
  EXPECT_EQ(parse_position(to_text(tracker_->position())), tracker_->position());
  start_app();
  commit(2);
  happens(FileEventKind::log_modified);
  if (settle().outcome == TrackOutcome::gap) attach();  // the log has begun anew, under other salts
  EXPECT_TRUE(image_is_current());
}

TEST_F(LogLivesTest, ALeftoverThatWasNotFollowedIsAGap) {
  begin_life(3);
  kill_app();
  happens(FileEventKind::checked);
  clock_.advance(2s);
  drain();
  clock_.advance(2s);
  EXPECT_EQ(settle().outcome, TrackOutcome::gap);
}

}  // namespace
}  // namespace engine
