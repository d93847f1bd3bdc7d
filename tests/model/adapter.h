// The engine's own values from the model's bytes and back, so that its rules decide here too.
#pragma once

#include "engine/continuity.h"
#include "state.h"
#include "world.h"

namespace model {

engine::Continuity to_engine(const Knowledge& known);
// What the model keeps beside it (claim, pin) stays as it is in `into`.
void from_engine(const engine::Continuity& continuity, Knowledge& into);

// The clock of `to_engine`'s values: the least time in which as many commits as happened since the last look can
// happen. Verdicts are then a moment ago; `much_later` is long after everything.
base::SteadyTime engine_now(const Knowledge& known);
base::SteadyTime much_later();

// Runs one of Continuity's transitions on the model's bytes.
template <typename Change>
void change(Knowledge& known, Change&& change_continuity) {
  engine::Continuity continuity = to_engine(known);
  change_continuity(continuity);
  from_engine(continuity, known);
}

engine::Look to_engine(const LookState& look);

// The database file as a stat shows it, and a fingerprint made of a stat and a reading of the clock.
os::FileStat stat_of(Byte database_time);
engine::Fingerprint fingerprint_of(Byte stat, bool all_backfilled, Byte clock);

}  // namespace model
