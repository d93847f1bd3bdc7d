// Mistakes that can be built into the rules. Each takes away one condition; the tests want a counter-example for each,
// or the proof that within these bounds another condition covers it.
#pragma once

#include <array>
#include <string_view>

#include "engine/judge.h"
#include "state.h"

namespace model {

enum class Fault : Byte {
  none,
  // conditions of engine::judge, taken away by evidence that always grants them
  append_ignores_the_chain,
  append_ignores_the_end,
  append_ignores_going_back,
  append_ignores_salts,
  restart_ignores_the_chain,
  ledger_ignores_validity,
  ledger_ignores_closes,
  ledger_ignores_the_guard,
  ledger_ignores_closes_and_the_guard,
  ledger_ignores_the_count,
  life_ignores_its_start,
  life_ignores_closes,
  life_ignores_the_count,
  unchanged_is_believed,
  empty_index_is_nothing_new,
  life_ignores_a_counter_that_went_back,
  // conditions of engine::Continuity
  closes_are_not_counted,
  no_doubt,
  lost_events_are_ignored,
  fingerprint_survives_captures,
  life_starts_anywhere,
  ledger_survives_the_cold,
  closes_during_a_look_are_forgotten,
  events_of_the_downtime_are_not_missed,
  young_stamps_count,
  fingerprint_of_an_unbackfilled_log,
  clock_is_read_after_the_stamps,
  stamps_are_taken_after_the_proof,
  final_look_clears_every_doubt,
  // what LogTracker does between
  chain_is_not_verified,
  header_is_read_once,
  chain_is_not_verified_and_header_read_once,
  frames_beyond_the_index,
  index_without_a_voucher,
  verdict_without_listening,
  any_descriptor_is_inherited,
  second_descriptors_stay_with_an_earlier_life,
  final_look_at_a_living_log,
  final_look_without_listening,
  copy_is_not_checked,
  leftover_is_not_compared,
  leftover_is_not_checked_again,
  empty_leftover_is_nothing_new,
  closed_needs_no_fingerprint,
  base_ends_without_listening,
  // the bucket
  unanswered_upload_is_forgotten,
  position_is_stored_before_the_answer,
  any_object_at_the_txid_is_ours,
  dropped_captures_are_not_missed,
  frozen_object_is_dropped_too,
  count
};

std::string_view name_of(Fault fault);

// Evidence with the fault's condition granted.
engine::Evidence with_fault(engine::Evidence evidence, Fault fault);
// What a fault keeps of the knowledge before a verdict was accepted.
void keep_faulty(Fault fault, const Knowledge& before, Knowledge& after);

}  // namespace model
