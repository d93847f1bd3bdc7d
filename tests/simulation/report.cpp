#include "report.h"

#include <iterator>

#include <fmt/format.h>

namespace simulation {

void Totals::add(const Outcome& o) {
  Totals one;
  one.seeds = 1;
  one.violations = o.violation.empty() ? 0 : 1;
  one.steps = o.steps;
  one.switches = o.switches;
  one.states = o.states;
  one.objects = o.objects;
  one.kills = o.kills;
  one.daemons = o.daemons;
  one.overflows = o.overflows;
  for (int i = 0; i < kOps; ++i) one.faults[i] = o.faults[i];
  one.virtual_seconds = o.virtual_seconds;
  one.store = o.store;
  one.applications = o.applications;
  one.power_cuts = o.power_cuts;
  one.merged = o.merged;
  one.snapshots = o.snapshots;
  one.removed = o.removed;
  const engine::Counters& e = o.engine;
  one.diffs = e.diffs;
  one.images = e.images;
  one.gaps = e.gaps;
  one.proofs_append = e.proofs_append;
  one.proofs_ledger = e.proofs_ledger;
  one.proofs_life = e.proofs_life;
  one.proofs_unchanged = e.proofs_unchanged;
  one.lives = e.lives;
  one.lives_missed = e.lives_missed;
  one.adopted = e.adopted;
  one.dropped_captures = e.dropped_captures;
  one.pins = e.pins;
  one.kept_logs = e.kept_logs;
  one.missed_events = e.missed_events;
  add(one);
}

void Totals::add(const Totals& o) {
  static constexpr std::uint64_t Totals::* kNumbers[] = {
      &Totals::seeds,         &Totals::violations,   &Totals::steps,         &Totals::switches,
      &Totals::states,        &Totals::objects,      &Totals::kills,         &Totals::daemons,
      &Totals::overflows,     &Totals::diffs,        &Totals::images,        &Totals::gaps,
      &Totals::proofs_append, &Totals::proofs_life,  &Totals::proofs_ledger, &Totals::proofs_unchanged,
      &Totals::lives,         &Totals::lives_missed, &Totals::adopted,       &Totals::dropped_captures,
      &Totals::pins,          &Totals::kept_logs,    &Totals::missed_events, &Totals::merged,
      &Totals::snapshots,     &Totals::removed,      &Totals::power_cuts};
  for (const auto number : kNumbers) this->*number += o.*number;
  for (int i = 0; i < kOps; ++i) faults[i] += o.faults[i];
  virtual_seconds += o.virtual_seconds;
  static constexpr std::uint64_t StoreCounts::* kStore[] = {
      &StoreCounts::requests,     &StoreCounts::failed_before,     &StoreCounts::failed_after,
      &StoreCounts::landed_later, &StoreCounts::refused_by_outage, &StoreCounts::swallowed_by_outage};
  for (const auto number : kStore) store.*number += o.store.*number;
  static constexpr std::uint64_t ApplicationCounts::* kApplications[] = {
      &ApplicationCounts::transactions, &ApplicationCounts::rollbacks,   &ApplicationCounts::errors,
      &ApplicationCounts::busy,         &ApplicationCounts::checkpoints, &ApplicationCounts::opens,
      &ApplicationCounts::vacuums};
  for (const auto number : kApplications) applications.*number += o.applications.*number;
}

std::string text_of(const Totals& t, double seconds) {
  std::string text = fmt::format("{} seeds in {:.1f} s: {:.0f} a minute; {} violations\n", t.seeds, seconds,
                                 static_cast<double>(t.seeds) / seconds * 60, t.violations);
  text += fmt::format("{:.1f} hours of virtual time, {} steps, {} changes of thread\n", t.virtual_seconds / 3600,
                      t.steps, t.switches);
  const ApplicationCounts& a = t.applications;
  text += fmt::format(
      "applications: {} transactions, {} rolled back, {} checkpoints, {} vacuums, {} opens, {} errors ({} busy); {} "
      "committed states\n",
      a.transactions, a.rollbacks, a.checkpoints, a.vacuums, a.opens, a.errors, a.busy, t.states);
  text += fmt::format(
      "engine: {} starts, {} objects, {} images, {} diffs, {} gaps; proofs: append {}, ledger {}, life {}, unchanged "
      "{}; {} lives ({} missed), {} pins, {} kept logs, {} adopted, {} captures dropped\n",
      t.daemons, t.objects, t.images, t.diffs, t.gaps, t.proofs_append, t.proofs_ledger, t.proofs_life,
      t.proofs_unchanged, t.lives, t.lives_missed, t.pins, t.kept_logs, t.adopted, t.dropped_captures);
  text += fmt::format("upkeep: {} merges, {} snapshots, {} objects removed\n", t.merged, t.snapshots, t.removed);
  text += fmt::format("faults: {} deaths, {} power cuts, {} overflows of events", t.kills, t.power_cuts, t.overflows);
  for (int i = 0; i < kOps; ++i) {
    if (t.faults[i] > 0) text += fmt::format(", {} {}", t.faults[i], name_of(static_cast<Op>(i)));
  }
  const StoreCounts& s = t.store;
  text += fmt::format(
      "\nstore: {} requests, {} failed before and {} after their effect, {} landed later, outages refused {} and "
      "swallowed {}\n",
      s.requests, s.failed_before, s.failed_after, s.landed_later, s.refused_by_outage, s.swallowed_by_outage);
  return text;
}

std::string text_of(const Outcome& outcome, Fault fault) {
  std::string text =
      fmt::format("seed {}: {}\n  again: simulation --seed {} --trace", outcome.seed, outcome.violation, outcome.seed);
  if (fault != Fault::none) text += fmt::format(" --fault {}", name_of(fault));
  return text + "\n";
}

}  // namespace simulation
