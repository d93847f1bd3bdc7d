#include "worlds.h"

#include <utility>

#include "base/check.h"

namespace model {

namespace {

using Most = std::initializer_list<std::pair<Budget, int>>;

constexpr std::array<std::string_view, kBudgets> kBudgetNames{
    "commits",  "spills",   "ghosts", "rollbacks", "opens",     "closes",          "kills",         "torn",
    "restarts", "partials", "ticks",  "rests",     "overflows", "sweeps",          "manager_kills", "lost_answers",
    "failures", "delays",   "drops",  "bases",     "pins",      "half_checkpoints"};
constexpr std::array<std::string_view, kProofs> kProofNames{"append",   "ledger", "life", "unchanged", "nothing_new",
                                                            "leftover", "gap",    "base", "woken"};

World world(std::string name, std::string stresses, Start start, int counter, Most most) {
  World w;
  w.name = std::move(name);
  w.stresses = std::move(stresses);
  w.start = start;
  w.change_counter = static_cast<Byte>(counter);
  for (const auto& [what, times] : most) w.most[what] = static_cast<Byte>(times);
  return w;
}

// Where what counts happens between looks, not within one.
World coarse(World w) {
  w.pages_in_turn = w.atomic_looks = true;
  return w;
}

// A counter of 6 is above what can be committed unseen in these bounds, 2 is not.
std::vector<World> worlds_of_one_log() {
  std::vector<World> all;
  all.push_back(world("log", "spills, failed commits, checkpoints, restarts and truncation between any two steps",
                      Start::live, 6, {{kCommits, 3}, {kSpills, 1}, {kGhosts, 1}, {kRestarts, 1}}));
  all.push_back(
      world("short", "the same with less of it", Start::live, 6, {{kCommits, 2}, {kGhosts, 1}, {kRestarts, 1}}));
  all.push_back(world("salts", "a connection draws new salts for an empty log; rollbacks", Start::live, 6,
                      {{kCommits, 3}, {kRollbacks, 1}, {kRestarts, 2}}));
  all.back().random_salts = true;
  all.push_back(world("large", "pages are copied by a second reading of the log", Start::live, 6,
                      {{kCommits, 3}, {kGhosts, 1}, {kRestarts, 2}}));
  all.back().captures_cost_memory = true;
  all.push_back(coarse(world("torn", "a writer dies inside the header update of an index that counted to 2",
                             Start::live, 2, {{kCommits, 3}, {kOpens, 1}, {kTorn, 1}, {kRestarts, 2}})));
  all.push_back(coarse(world("pin", "the log is pinned at times", Start::live, 6,
                             {{kCommits, 3}, {kPins, 2}, {kPartials, 1}, {kRestarts, 1}, {kCloses, 1}})));
  all.push_back(
      world("diff", "a diff while an application writes and checkpoints", Start::live, 6,
            {{kCommits, 2}, {kPartials, 1}, {kBases, 1}, {kHalfCheckpoints, 1}, {kTicks, 1}, {kRestarts, 1}}));
  all.back().atomic_looks = true;
  all.push_back(world("store", "answers are lost or late, captures are dropped, the manager is killed", Start::live, 6,
                      {{kCommits, 3}, {kLostAnswers, 1}, {kDelays, 1}, {kDrops, 1}, {kManagerKills, 1}}));
  all.back().atomic_looks = all.back().store_answers = all.back().old_values = true;
  return all;
}

std::vector<World> worlds_of_many_logs() {
  std::vector<World> all;
  all.push_back(coarse(world("lives", "logs come and go, events are late", Start::closed, 0,
                             {{kCommits, 2}, {kOpens, 3}, {kCloses, 3}, {kRestarts, 1}})));
  all.push_back(coarse(world("kills", "applications are killed and leave their log behind", Start::live, 6,
                             {{kCommits, 2}, {kOpens, 1}, {kCloses, 1}, {kKills, 2}, {kGhosts, 1}, {kRestarts, 1}})));
  all.push_back(coarse(world("newborn", "a writer of a new log dies inside the header update", Start::closed, 0,
                             {{kCommits, 3}, {kOpens, 2}, {kCloses, 1}, {kTorn, 1}, {kRestarts, 2}})));
  all.push_back(coarse(world("late", "and the CLOSE_WRITE of the dead process is late", Start::closed, 0,
                             {{kCommits, 3}, {kOpens, 2}, {kTorn, 1}, {kRestarts, 2}})));
  all.back().late_deaths = true;
  all.push_back(coarse(world("later", "the same in a log that was followed", Start::live, 2,
                             {{kCommits, 3}, {kOpens, 1}, {kTorn, 1}, {kRestarts, 2}})));
  all.back().late_deaths = true;
  all.push_back(coarse(world("cold", "rests and wakes by fingerprint", Start::live, 6,
                             {{kCommits, 2}, {kOpens, 1}, {kCloses, 1}, {kRests, 1}, {kTicks, 1}, {kRestarts, 1}})));
  all.push_back(coarse(world("asleep", "logs come and go beside a fingerprint", Start::asleep, 0,
                             {{kCommits, 2}, {kOpens, 3}, {kCloses, 3}})));
  all.push_back(
      coarse(world("down", "the manager is killed and comes back", Start::live, 6,
                   {{kCommits, 2}, {kOpens, 1}, {kCloses, 2}, {kRests, 1}, {kTicks, 1}, {kManagerKills, 1}})));
  all.push_back(coarse(world("overflow", "events are lost", Start::closed, 0,
                             {{kCommits, 2}, {kOpens, 2}, {kCloses, 2}, {kOverflows, 1}, {kRestarts, 1}})));
  all.push_back(
      world("diffs", "a diff while logs come and go", Start::closed, 0,
            {{kCommits, 2}, {kOpens, 1}, {kCloses, 1}, {kBases, 1}, {kTicks, 1}, {kKills, 1}, {kRestarts, 1}}));
  all.back().atomic_looks = true;
  return all;
}

constexpr std::string_view kNeedsAPowerCut =
    "a log keeps the frames it had, unless a power cut or a hand takes some away: not in these worlds";
constexpr std::string_view kChainAndHeader = "the header read twice: a restart changes it before it overwrites a frame";

std::vector<SeededFault> faults_of_judge() {
  return {
      {Fault::append_ignores_the_chain, "short", kChainAndHeader},
      {Fault::append_ignores_the_end, "short", kNeedsAPowerCut},
      {Fault::append_ignores_going_back, "short", kNeedsAPowerCut},
      {Fault::append_ignores_salts, "short", "the chain: frames of another generation do not continue ours"},
      {Fault::restart_ignores_the_chain, "short", kChainAndHeader},
      {Fault::ledger_ignores_validity, "torn", "a start value that is not valid is 0, which the guard refuses"},
      {Fault::ledger_ignores_closes, "torn", "the guard; ledger_ignores_closes_and_the_guard is found"},
      {Fault::ledger_ignores_the_guard, "torn", "the closes; ledger_ignores_closes_and_the_guard is found"},
      {Fault::ledger_ignores_closes_and_the_guard, "torn", {}},
      {Fault::ledger_ignores_the_count, "pin", {}},
      {Fault::life_ignores_its_start, "overflow", {}},
      {Fault::life_ignores_closes, "newborn", {}},
      {Fault::life_ignores_the_count, "lives", {}},
      {Fault::life_ignores_a_counter_that_went_back, "late",
       "the CLOSE_WRITE, which comes a moment later; until then it keeps a wrong object from being stored"},
      {Fault::unchanged_is_believed, "pin", {}},
      {Fault::empty_index_is_nothing_new, "newborn", {}},
  };
}

std::vector<SeededFault> faults_of_continuity() {
  return {
      {Fault::closes_are_not_counted, "newborn", {}},
      {Fault::no_doubt, "late", {}},
      {Fault::lost_events_are_ignored, "overflow", {}},
      {Fault::fingerprint_survives_captures, "cold", "an older fingerprint that still holds proves even more"},
      {Fault::life_starts_anywhere, "overflow", {}},
      {Fault::ledger_survives_the_cold, "cold", "closes of the index are counted in the cold, too"},
      {Fault::closes_during_a_look_are_forgotten, "torn",
       "the verdict of that look counts them itself; later ones have the guard"},
      {Fault::events_of_the_downtime_are_not_missed, "down", {}},
      {Fault::young_stamps_count, "cold", {}},
      {Fault::fingerprint_of_an_unbackfilled_log, "cold", kNeedsAPowerCut},
      {Fault::clock_is_read_after_the_stamps, "diffs", "the proof, which comes after both"},
      {Fault::stamps_are_taken_after_the_proof, "diffs", {}},
      {Fault::final_look_clears_every_doubt, "overflow", {}},
  };
}

std::vector<SeededFault> faults_of_the_tracker() {
  return {
      {Fault::chain_is_not_verified, "short", kChainAndHeader},
      {Fault::header_is_read_once, "short", "the chain; without both: chain_is_not_verified_and_header_read_once"},
      {Fault::chain_is_not_verified_and_header_read_once, "log", {}},
      {Fault::frames_beyond_the_index, "short", {}},
      {Fault::index_without_a_voucher, "kills", "only a power cut leaves a stale index: not in these worlds"},
      {Fault::verdict_without_listening, "lives", {}},
      {Fault::any_descriptor_is_inherited, "asleep", "a life whose descriptors were taken from it is a gap"},
      {Fault::second_descriptors_stay_with_an_earlier_life, "lives", {}},
      {Fault::final_look_at_a_living_log, "asleep", "the stream is heard up to where the descriptors were opened"},
      {Fault::final_look_without_listening, "lives", {}},
      {Fault::copy_is_not_checked, "large", {}},
      {Fault::leftover_is_not_compared, "kills", {}},
      {Fault::leftover_is_not_checked_again, "kills", "the position names frames that were there when they were read"},
      {Fault::empty_leftover_is_nothing_new, "kills", {}},
      {Fault::closed_needs_no_fingerprint, "overflow", {}},
      {Fault::base_ends_without_listening, "diffs", {}},
  };
}

std::vector<SeededFault> faults_of_the_bucket() {
  return {
      {Fault::unanswered_upload_is_forgotten, "store", {}},
      {Fault::position_is_stored_before_the_answer, "store", "a start with an unanswered upload begins with a base"},
      {Fault::any_object_at_the_txid_is_ours, "store", {}},
      {Fault::dropped_captures_are_not_missed, "store", {}},
      {Fault::frozen_object_is_dropped_too, "store", "its TXID was attempted, so the next object settles it"},
  };
}

}  // namespace

std::vector<World> worlds() {
  std::vector<World> all = worlds_of_one_log();
  for (World& w : worlds_of_many_logs()) all.push_back(std::move(w));
  return all;
}

// One more of what each world is about.
std::vector<World> large_worlds() {
  std::vector<World> all = worlds();
  for (World& w : all) {
    ++w.most[kCommits];
    for (const Budget budget : {kOpens, kCloses, kKills, kRestarts}) {
      if (w.most[budget] > 0) ++w.most[budget];
    }
    if (w.name == "cold" || w.name == "overflow") w.most[kKills] = 1;
    if (w.name == "overflow" || w.name == "down") w.most[kSweeps] = 1;
  }
  return all;
}

std::string_view name_of(Budget budget) {
  return kBudgetNames.at(budget);
}

std::string_view name_of(Proof proof) {
  return kProofNames.at(proof);
}

World world_named(std::string_view name) {
  for (World& w : worlds()) {
    if (w.name == name) return w;
  }
  CHECK(false);
}

std::vector<SeededFault> seeded_faults() {
  std::vector<SeededFault> all = faults_of_judge();
  for (const auto& more : {faults_of_continuity(), faults_of_the_tracker(), faults_of_the_bucket()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace model
