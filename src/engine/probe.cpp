#include "engine/probe.h"

namespace engine {

Counters Probe::snapshot() const {
  Counters c;
  c.events = events;
  c.event_overflows = event_overflows;
  c.missed_events = missed_events;
  c.sweeps = sweeps;
  c.looks = looks;
  c.captures = captures;
  c.commits = commits;
  c.frames = frames;
  c.lives = lives;
  c.lives_missed = lives_missed;
  c.diffs = diffs;
  c.diff_bytes_read = diff_bytes_read;
  c.images = images;
  c.pins = pins;
  c.kept_logs = kept_logs;
  c.uploads = uploads;
  c.upload_bytes = upload_bytes;
  c.upload_failures = upload_failures;
  c.conflicts = conflicts;
  c.adopted = adopted;
  c.dropped_captures = dropped_captures;
  c.takeovers = takeovers;
  c.lost_points = lost_points;
  c.repaired_chains = repaired_chains;
  c.proofs_append = proofs_append;
  c.proofs_ledger = proofs_ledger;
  c.proofs_life = proofs_life;
  c.proofs_unchanged = proofs_unchanged;
  c.gaps = gaps;
  c.ignored_files = ignored_files;
  c.refused_files = refused_files;
  c.merges = merges;
  c.snapshots = snapshots;
  c.upkeep_bytes_read = upkeep_bytes_read;
  c.upkeep_bytes_written = upkeep_bytes_written;
  c.removed_objects = removed_objects;
  c.removed_bytes = removed_bytes;
  c.cache_hits = cache_hits;
  c.cache_misses = cache_misses;
  c.upkeep_failures = upkeep_failures;
  return c;
}

}  // namespace engine
