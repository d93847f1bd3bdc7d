// What events, looks and verdicts do to what is known. That the rules are sound together is shown by tests/model.
#include "engine/continuity.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using namespace std::chrono_literals;

const base::SteadyTime kNow = base::SteadyTime(1h);

Look look_with(std::uint32_t max_frame, std::uint32_t change_counter) {
  Look look;
  look.header.max_frame = max_frame;
  look.header.change_counter = change_counter;
  look.header.salts = {1, 2};
  look.frames.end = {{1, 2}, max_frame, {7, 8}, 4096, false};
  return look;
}

Fingerprint complete_fingerprint() {
  Fingerprint fingerprint;
  fingerprint.complete = true;
  return fingerprint;
}

Continuity known_and_closed() {
  Continuity known;
  known.captured.kind = PositionKind::closed;
  known.fingerprint = complete_fingerprint();
  known.all_backfilled = true;
  return known;
}

TEST(Continuity, AnAcceptedLookMovesThePositionAndVoidsTheFingerprint) {
  Continuity known = known_and_closed();
  known.accept(Verdict::life, look_with(3, 3), LookMode::live, kNow);
  EXPECT_EQ(known.captured.kind, PositionKind::log);
  EXPECT_EQ(known.captured.log.frame, 3U);
  EXPECT_FALSE(known.fingerprint.complete);
  EXPECT_FALSE(known.all_backfilled);
  EXPECT_TRUE(known.ledger.valid);
  EXPECT_EQ(known.ledger.change_counter, 3U);
}

TEST(Continuity, NothingNewLeavesPositionAndFingerprint) {
  Continuity known = known_and_closed();
  known.accept(Verdict::nothing_new, look_with(0, 9), LookMode::live, kNow);
  EXPECT_EQ(known.captured.kind, PositionKind::closed);
  EXPECT_TRUE(known.fingerprint.complete);
  EXPECT_EQ(known.ledger.change_counter, 9U);
}

TEST(Continuity, AFinalLookReadsNoStartValueAndClearsNoDoubtAboutEvents) {
  Continuity known = known_and_closed();
  known.events_lost();
  known.accept(Verdict::append, look_with(3, 3), LookMode::final, kNow);
  EXPECT_FALSE(known.ledger.valid);
  EXPECT_TRUE(known.verify_closed);
  known.accept(Verdict::append, look_with(3, 3), LookMode::live, kNow);
  EXPECT_FALSE(known.verify_closed);
}

TEST(Continuity, AProcessThatLeftDuringTheLookCountsForTheNextVerdict) {
  Continuity known = known_and_closed();
  known.index_closed(kNow);
  known.begin_look();
  known.index_closed(kNow);
  known.accept(Verdict::nothing_new, look_with(0, 1), LookMode::live, kNow);
  EXPECT_EQ(known.index_closes_since, 1U);
}

TEST(Continuity, ADepartureSoonAfterAVerdictOnTheCounterCastsDoubtOnIt) {
  Continuity known = known_and_closed();
  known.accept(Verdict::life, look_with(3, 3), LookMode::live, kNow);
  known.index_closed(kNow + 2s);
  EXPECT_FALSE(known.doubtful()) << "too late to have been there before";
  known.index_closed(kNow + 500ms);
  EXPECT_TRUE(known.doubtful());
  EXPECT_FALSE(known.doubt_is_final(kNow + 550ms)) << "the log's deletion may follow at once";
  EXPECT_TRUE(known.doubt_is_final(kNow + 700ms));
  known.end_life();
  EXPECT_FALSE(known.doubtful());
}

TEST(Continuity, AVerdictOfTheLogItselfIsNotDoubted) {
  Continuity known = known_and_closed();
  known.accept(Verdict::append, look_with(3, 3), LookMode::live, kNow);
  known.index_closed(kNow);
  EXPECT_FALSE(known.doubtful());
}

TEST(Continuity, TheStartValueOfTheLedgerGoesWithItsIndex) {
  for (auto leave : {+[](Continuity& k) { k.end_life(); }, +[](Continuity& k) { k.log_is_gone(); },
                     +[](Continuity& k) { k.go_cold({}); }, +[](Continuity& k) { k.forget(); },
                     +[](Continuity& k) { k.accept_leftover({}, false); }}) {
    Continuity known = known_and_closed();
    known.accept(Verdict::nothing_new, look_with(0, 9), LookMode::live, kNow);
    ASSERT_TRUE(known.ledger.valid);
    leave(known);
    EXPECT_FALSE(known.ledger.valid);
  }
}

TEST(Continuity, TheBirthOfALifeIsProofOnlyOfAPositionOfThisRun) {
  const LifeFacts born{.start_seen = true};
  const Look look = look_with(3, 3);
  Continuity known = known_and_closed();
  EXPECT_TRUE(known.evidence(look, born, LookMode::live, false, kNow).life_start_proven);
  known.resume({PositionKind::closed, {}}, complete_fingerprint());
  EXPECT_FALSE(known.evidence(look, born, LookMode::live, false, kNow).life_start_proven);
}

TEST(Continuity, AFingerprintIsKeptOnlyWhileItSaysSomething) {
  Continuity known;
  known.all_backfilled = true;
  known.note_fingerprint(complete_fingerprint());
  EXPECT_FALSE(known.fingerprint.complete) << "nothing is captured";
  known = known_and_closed();
  known.all_backfilled = false;
  known.fingerprint = {};
  known.note_fingerprint(complete_fingerprint());
  EXPECT_FALSE(known.fingerprint.complete) << "frames are not in the file yet";
}

}  // namespace
}  // namespace engine
