// Each rule of continuity, what proves it and every way in which it was once fooled (decision 0005).
#include "engine/judge.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace engine {
namespace {

constexpr wal::Salts kOld{7, 70}, kNew{8, 80};
constexpr wal::Checksum kSum{1, 2}, kOther{3, 4};

struct Case {
  std::string name;
  Verdict expected;
  std::function<void(Evidence&)> change;
};

// Captured through frame 10 of a log that now has frame 12.
Evidence appended() {
  Evidence e;
  e.captured = {PositionKind::log, {kOld, 10, kSum, 4096, false}};
  e.seen.salts = kOld;
  e.seen.page_size = 4096;
  e.seen.max_frame = 12;
  e.seen.frame_checksum = kOther;
  e.seen.change_counter = 1007;
  e.chain_continues = true;
  e.since_last_look = std::chrono::microseconds(1000);
  return e;
}

// The same log, restarted, two commits later; everything was counted.
Evidence restarted() {
  Evidence e = appended();
  e.ledger = {true, 1005};
  e.seen.salts = kNew;
  e.seen.max_frame = 3;
  e.chain_continues = false;
  e.chain_from_start = true;
  e.commits_from_start = 2;
  return e;
}

// Nothing captured but a closed database; a log that was watched from its creation.
Evidence born() {
  Evidence e;
  e.captured = {PositionKind::closed, {}};
  e.seen.salts = kNew;
  e.seen.page_size = 4096;
  e.seen.max_frame = 5;
  e.seen.change_counter = 4;
  e.chain_from_start = true;
  e.commits_from_start = 4;
  e.life_start_proven = true;
  e.since_last_look = std::chrono::microseconds(1000);
  return e;
}

void expect_verdicts(const std::function<Evidence()>& start, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Evidence e = start();
    c.change(e);
    EXPECT_EQ(to_string(judge(e)), to_string(c.expected)) << c.name;
  }
}

TEST(Judge, NothingIsProvenWithoutAPosition) {
  expect_verdicts(appended, {{"even a perfect log", Verdict::gap, [](Evidence& e) { e.captured = {}; }},
                             {"even an unchanged file", Verdict::gap, [](Evidence& e) {
                                e.captured = {};
                                e.database_unchanged = true;
                              }}});
}

TEST(Judge, AppendNeedsTheSameSaltsAndAWholeChainFromOurFrame) {
  expect_verdicts(
      appended,
      {{"the log went on", Verdict::append, [](Evidence&) {}},
       {"the chain is broken", Verdict::gap, [](Evidence& e) { e.chain_continues = false; }},
       {"the page size is another one", Verdict::gap, [](Evidence& e) { e.seen.page_size = 8192; }},
       {"the log ends before our frame, as after a power cut", Verdict::gap, [](Evidence& e) { e.seen.max_frame = 9; }},
       {"one salt differs", Verdict::gap, [](Evidence& e) { e.seen.salts.second = 71; }},
       {"a whole chain from the start proves no append", Verdict::gap, [](Evidence& e) {
          e.chain_continues = false;
          e.chain_from_start = true;
          e.commits_from_start = 12;
        }}});
}

TEST(Judge, CaughtUpMeansOurFrameWithOurChecksum) {
  const auto at_end = [] {
    Evidence e = appended();
    e.seen.max_frame = 10;
    e.seen.frame_checksum = kSum;
    e.chain_continues = false;
    return e;
  };
  expect_verdicts(at_end, {{"nothing happened", Verdict::nothing_new, [](Evidence&) {}},
                           {"the log was rewritten up to our frame", Verdict::gap,
                            [](Evidence& e) { e.seen.frame_checksum = kOther; }}});
}

// Behind frames that no checksum proves the log may have been recovered, and written again to the same end.
TEST(Judge, WhereNoChecksumProvesThePrefixTheCounterHasToAgreeAndNobodyMayHaveLeft) {
  const auto unproven = [] {
    Evidence e = appended();
    e.captured.log.unproven = true;
    e.ledger = {true, 1005};
    e.commits_appended = 2;
    return e;
  };
  const auto at_end = [&] {
    Evidence e = unproven();
    e.seen.max_frame = 10;
    e.seen.frame_checksum = kSum;
    e.seen.change_counter = 1005;
    e.chain_continues = false;
    e.commits_appended = 0;
    return e;
  };
  const std::vector<Case> doubts{
      {"a process left", Verdict::gap, [](Evidence& e) { e.index_closes_since = 1; }},
      {"the counter is not known", Verdict::gap, [](Evidence& e) { e.ledger = {}; }},
      {"a commit more", Verdict::gap, [](Evidence& e) { ++e.seen.change_counter; }},
      {"the counter began anew", Verdict::gap, [](Evidence& e) { e.seen.change_counter = 2; }}};
  expect_verdicts(unproven, doubts);
  expect_verdicts(at_end, doubts);
  EXPECT_EQ(judge(unproven()), Verdict::append);
  EXPECT_EQ(judge(at_end()), Verdict::nothing_new);
}

TEST(Judge, LedgerBridgesARestartIfEveryCommitIsAccountedFor) {
  expect_verdicts(restarted,
                  {{"all commits are in the new log", Verdict::ledger, [](Evidence&) {}},
                   {"a generation between was missed", Verdict::gap, [](Evidence& e) { e.seen.change_counter = 1009; }},
                   {"more frames than commits", Verdict::gap, [](Evidence& e) { e.commits_from_start = 3; }},
                   {"the new log is not whole", Verdict::gap, [](Evidence& e) { e.chain_from_start = false; }},
                   {"restarted and empty", Verdict::ledger,
                    [](Evidence& e) {
                      e.seen.max_frame = 0;
                      e.seen.change_counter = 1005;
                    }},
                   {"committed, then restarted and empty", Verdict::gap, [](Evidence& e) { e.seen.max_frame = 0; }},
                   {"the counter wrapped around", Verdict::ledger, [](Evidence& e) {
                      e.ledger.change_counter = 0xffffffff;
                      e.seen.change_counter = 1;
                    }}});
}

TEST(Judge, LedgerIsVoidWhereTheCounterMayHaveStartedAgain) {
  expect_verdicts(
      restarted,
      {{"the start value was read without a voucher", Verdict::gap, [](Evidence& e) { e.ledger.valid = false; }},
       {"a writer died in the header update and as many commits as the counter stood were lost", Verdict::gap,
        [](Evidence& e) {
          e.ledger.change_counter = 5;
          e.seen.change_counter = 7;
        }},
       {"the same with nothing new: adopting the salts is no rule of its own", Verdict::gap,
        [](Evidence& e) {
          e.ledger.change_counter = 0;
          e.seen.change_counter = 0;
          e.seen.max_frame = 0;
        }},
       {"so much time that the counter could have been passed", Verdict::gap,
        [](Evidence& e) { e.since_last_look = std::chrono::seconds(1); }},
       {"a process let go of the index since", Verdict::gap, [](Evidence& e) { e.index_closes_since = 1; }},
       {"the last closer's own leaving, at the final look", Verdict::ledger,
        [](Evidence& e) {
          e.index_closes_since = 1;
          e.final_look = true;
        }},
       {"another one left before the last closer", Verdict::gap, [](Evidence& e) {
          e.index_closes_since = 2;
          e.final_look = true;
        }}});
}

TEST(Judge, LedgerBoundIsOneHundredThousandCommitsASecond) {
  EXPECT_EQ(most_commits_in(std::chrono::seconds(1)), 100'001U);
  EXPECT_EQ(most_commits_in(std::chrono::microseconds(0)), 1U);
  Evidence e = restarted();
  e.since_last_look = std::chrono::microseconds(10'040);  // 1005 commits possible: the start value does not exceed it
  EXPECT_EQ(judge(e), Verdict::gap);
  e.since_last_look = std::chrono::microseconds(10'039);
  EXPECT_EQ(judge(e), Verdict::ledger);
}

TEST(Judge, LifeProvesALogThatWasWatchedFromItsCreation) {
  expect_verdicts(born, {{"every commit counted", Verdict::life, [](Evidence&) {}},
                         {"its creation was not seen, or the life before not captured", Verdict::gap,
                          [](Evidence& e) { e.life_start_proven = false; }},
                         {"restarted within its life", Verdict::gap, [](Evidence& e) { e.seen.change_counter = 6; }},
                         {"the chain is broken", Verdict::gap, [](Evidence& e) { e.chain_from_start = false; }},
                         {"a process that may have died left meanwhile", Verdict::gap,
                          [](Evidence& e) { e.index_closes_in_life = 1; }},
                         {"the last closer left", Verdict::life,
                          [](Evidence& e) {
                            e.index_closes_in_life = 1;
                            e.final_look = true;
                          }},
                         {"two left", Verdict::gap,
                          [](Evidence& e) {
                            e.index_closes_in_life = 2;
                            e.final_look = true;
                          }},
                         {"nobody committed", Verdict::nothing_new,
                          [](Evidence& e) {
                            e.seen.max_frame = 0;
                            e.seen.change_counter = 0;
                          }},
                         {"the counter was seen higher in this life: the index was rebuilt", Verdict::gap,
                          [](Evidence& e) { e.ledger = {true, e.seen.change_counter + 1}; }},
                         {"commits that a restart took away before anybody looked", Verdict::gap, [](Evidence& e) {
                            e.seen.max_frame = 0;
                            e.final_look = true;
                          }}});
}

TEST(Judge, NoLogIsNoGeneration) {
  const auto closed = [] {
    Evidence e = born();
    e.life_start_proven = false;
    return e;
  };
  expect_verdicts(closed, {{"empty then and empty now proves nothing", Verdict::gap,
                            [](Evidence& e) {
                              e.seen.max_frame = 0;
                              e.final_look = true;
                              e.seen.change_counter = 3;
                            }},
                           {"an index that was rebuilt looks like one that nobody committed to", Verdict::gap,
                            [](Evidence& e) {
                              e.seen.max_frame = 0;
                              e.seen.change_counter = 0;
                            }},
                           {"the salts of a position without log never count", Verdict::gap, [](Evidence& e) {
                              e.captured.log = {e.seen.salts, 0, {}, 4096, false};
                              e.chain_continues = true;
                            }}});
}

TEST(Judge, UnchangedFileProvesThatAllCommitsAreInTheLogWeSee) {
  const auto cold = [] {
    Evidence e = born();
    e.life_start_proven = false;
    e.database_unchanged = true;
    return e;
  };
  const auto cold_log = [] {
    Evidence e = restarted();
    e.ledger = {};
    e.database_unchanged = true;
    return e;
  };
  expect_verdicts(cold, {{"from its start", Verdict::unchanged, [](Evidence&) {}},
                         {"still empty", Verdict::nothing_new, [](Evidence& e) { e.seen.max_frame = 0; }},
                         {"a log that is not whole", Verdict::gap, [](Evidence& e) { e.chain_from_start = false; }},
                         {"the file moved", Verdict::gap, [](Evidence& e) { e.database_unchanged = false; }}});
  expect_verdicts(cold_log, {{"woken after a restart of the log", Verdict::unchanged, [](Evidence&) {}},
                             {"a log that is not whole", Verdict::gap, [](Evidence& e) { e.chain_from_start = false; }},
                             {"an unchanged file does not mend a broken chain of the same log", Verdict::gap,
                              [](Evidence& e) { e.seen.salts = kOld, e.seen.max_frame = 11; }}});
}

TEST(Judge, EveryVerdictHasAName) {
  EXPECT_EQ(to_string(Verdict::ledger), "ledger");
}

TEST(RestsOnEvents, AllButWhatTheLogItselfProves) {
  EXPECT_FALSE(rests_on_events(Verdict::append, PositionKind::log));
  EXPECT_FALSE(rests_on_events(Verdict::nothing_new, PositionKind::log));
  EXPECT_TRUE(rests_on_events(Verdict::append, PositionKind::log, true)) << "did somebody leave?";
  EXPECT_TRUE(rests_on_events(Verdict::nothing_new, PositionKind::closed)) << "whose empty log is it?";
  for (const Verdict verdict : {Verdict::ledger, Verdict::life, Verdict::unchanged, Verdict::gap}) {
    EXPECT_TRUE(rests_on_events(verdict, PositionKind::log)) << to_string(verdict);
    EXPECT_TRUE(rests_on_events(verdict, PositionKind::closed)) << to_string(verdict);
  }
}

}  // namespace
}  // namespace engine
