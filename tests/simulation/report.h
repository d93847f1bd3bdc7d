// Sums over the seeds of a run, and how they are told.
#pragma once

#include <cstdint>
#include <string>

#include "seed.h"

namespace simulation {

// Plain numbers, so that it goes through a pipe as it is.
struct Totals {
  std::uint64_t seeds = 0, violations = 0;
  std::uint64_t steps = 0, switches = 0, states = 0, objects = 0, kills = 0, daemons = 0, overflows = 0, power_cuts = 0;
  std::uint64_t faults[kOps] = {};
  double virtual_seconds = 0;
  StoreCounts store;
  ApplicationCounts applications;
  std::uint64_t diffs = 0, images = 0, gaps = 0, proofs_append = 0, proofs_ledger = 0, proofs_life = 0,
                proofs_unchanged = 0, lives = 0, lives_missed = 0, adopted = 0, dropped_captures = 0, pins = 0,
                kept_logs = 0, missed_events = 0, merged = 0, snapshots = 0, removed = 0;

  void add(const Outcome& outcome);
  void add(const Totals& other);
};

// Everything that a run did, for people.
std::string text_of(const Totals& totals, double seconds);
// What went wrong in one seed and the command that shows it again.
std::string text_of(const Outcome& outcome, Fault fault);

}  // namespace simulation
