#include "faults.h"

#include <algorithm>
#include <chrono>

namespace model {

std::string_view name_of(Fault fault) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Fault::count)> kNames{
      "none",
      "append_ignores_the_chain",
      "append_ignores_the_end",
      "append_ignores_going_back",
      "append_ignores_salts",
      "restart_ignores_the_chain",
      "ledger_ignores_validity",
      "ledger_ignores_closes",
      "ledger_ignores_the_guard",
      "ledger_ignores_closes_and_the_guard",
      "ledger_ignores_the_count",
      "life_ignores_its_start",
      "life_ignores_closes",
      "life_ignores_the_count",
      "unchanged_is_believed",
      "empty_index_is_nothing_new",
      "life_ignores_a_counter_that_went_back",
      "closes_are_not_counted",
      "no_doubt",
      "lost_events_are_ignored",
      "fingerprint_survives_captures",
      "life_starts_anywhere",
      "ledger_survives_the_cold",
      "closes_during_a_look_are_forgotten",
      "events_of_the_downtime_are_not_missed",
      "young_stamps_count",
      "fingerprint_of_an_unbackfilled_log",
      "clock_is_read_after_the_stamps",
      "stamps_are_taken_after_the_proof",
      "final_look_clears_every_doubt",
      "chain_is_not_verified",
      "header_is_read_once",
      "chain_is_not_verified_and_header_read_once",
      "frames_beyond_the_index",
      "index_without_a_voucher",
      "verdict_without_listening",
      "any_descriptor_is_inherited",
      "second_descriptors_stay_with_an_earlier_life",
      "final_look_at_a_living_log",
      "final_look_without_listening",
      "copy_is_not_checked",
      "leftover_is_not_compared",
      "leftover_is_not_checked_again",
      "empty_leftover_is_nothing_new",
      "closed_needs_no_fingerprint",
      "base_ends_without_listening",
      "unanswered_upload_is_forgotten",
      "position_is_stored_before_the_answer",
      "any_object_at_the_txid_is_ours",
      "dropped_captures_are_not_missed",
      "frozen_object_is_dropped_too",
  };
  return kNames.at(static_cast<std::size_t>(fault));
}

namespace {

void grant_append(engine::Evidence& e, Fault fault) {
  engine::LogPosition& at = e.captured.log;
  const bool same = e.captured.kind == engine::PositionKind::log && e.seen.salts == at.salts && e.seen.max_frame > 0;
  switch (fault) {
    case Fault::append_ignores_the_chain:
      e.chain_continues = true;
      break;
    case Fault::append_ignores_the_end:
      if (same && e.seen.max_frame == at.frame) at.checksum = e.seen.frame_checksum;
      break;
    case Fault::append_ignores_going_back:
      if (same && e.seen.max_frame < at.frame) at.frame = e.seen.max_frame - 1;
      break;
    case Fault::append_ignores_salts:
      if (e.captured.kind == engine::PositionKind::log && e.seen.max_frame > 0) at.salts = e.seen.salts;
      break;
    default:
      break;
  }
}

void grant_ledger(engine::Evidence& e, Fault fault) {
  switch (fault) {
    case Fault::ledger_ignores_validity:
      e.ledger.valid = true;
      break;
    case Fault::ledger_ignores_closes:
      e.index_closes_since = 0;
      break;
    case Fault::ledger_ignores_the_guard:
      e.since_last_look = std::chrono::microseconds(0);
      break;
    case Fault::ledger_ignores_closes_and_the_guard:
      e.index_closes_since = 0;
      e.since_last_look = std::chrono::microseconds(0);
      break;
    case Fault::ledger_ignores_the_count:
      if (e.life_start_proven) break;
      e.commits_from_start = e.seen.change_counter - e.ledger.change_counter;
      if (e.seen.max_frame == 0) e.ledger.change_counter = e.seen.change_counter;
      break;
    default:
      break;
  }
}

void grant_life(engine::Evidence& e, Fault fault) {
  switch (fault) {
    case Fault::life_ignores_its_start:
      e.life_start_proven = true;
      break;
    case Fault::life_ignores_closes:
      e.index_closes_in_life = 0;
      break;
    case Fault::life_ignores_the_count:
      if (!e.life_start_proven) break;
      e.commits_from_start = e.seen.change_counter;
      if (e.seen.max_frame == 0) e.seen.change_counter = 0;
      break;
    case Fault::life_ignores_a_counter_that_went_back:
      if (e.life_start_proven) e.ledger.valid = false;
      break;
    case Fault::empty_index_is_nothing_new:
      if (e.seen.max_frame == 0 && e.seen.change_counter == 0) {
        e.life_start_proven = true;
        e.index_closes_in_life = 0;
        e.ledger.valid = false;
      }
      break;
    default:
      break;
  }
}

}  // namespace

engine::Evidence with_fault(engine::Evidence e, Fault fault) {
  grant_append(e, fault);
  grant_ledger(e, fault);
  grant_life(e, fault);
  if (fault == Fault::restart_ignores_the_chain) e.chain_from_start = true;
  if (fault == Fault::unchanged_is_believed) e.database_unchanged = !e.final_look;
  return e;
}

void keep_faulty(Fault fault, const Knowledge& before, Knowledge& after) {
  if (fault == Fault::fingerprint_survives_captures) {
    after.fingerprint_complete = before.fingerprint_complete;
    after.fingerprint_time = before.fingerprint_time;
  }
  if (fault == Fault::closes_during_a_look_are_forgotten) after.closes_since = 0;
}

}  // namespace model
