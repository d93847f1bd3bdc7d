// Mistakes that can be built into what the engine sees or does at its edges, to show that the checks find them. Each
// stands where the product's own code would have made it: in the operating system's answers that it relies on, in the
// event stream, in the store's answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace simulation {

enum class Fault : std::uint8_t {
  none,
  acknowledged_before_the_answer,  // an upload counts as stored when it was sent
  no_fence,                        // a PUT overwrites what is there
  foreign_objects_are_ours,        // ... and the conflict that would tell is taken for success
  index_without_a_voucher,         // every index counts as vouched for
  writers_lock_is_not_seen,        // nobody ever seems to be writing
  stream_is_not_listened_to,       // verdicts do not wait for the event stream
  events_vanish,                   // lost without an overflow
  stamps_never_change,             // a database file always looks as it did
  opened_in_time_always,           // descriptors count as those of the newest life
  closed_at_once,                  // no close waits for our SQLite to be done
  a_neighbour_is_removed,          // with each object that retention gives up the next one goes, too
  state_forgets,                   // the state database of before the last start comes back
  count
};

std::string_view name_of(Fault fault);
std::optional<Fault> fault_named(std::string_view name);

}  // namespace simulation
