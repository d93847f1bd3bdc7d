// Counters of the capture engine, shared by all clients. Lock-free; snapshot() is for status and metrics.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/status.h"

namespace engine {

struct Probe {
  using Count = std::atomic<std::uint64_t>;
  Count events{0}, event_overflows{0}, missed_events{0}, sweeps{0};
  Count looks{0}, captures{0}, commits{0}, frames{0}, lives{0}, lives_missed{0};
  Count diffs{0}, diff_bytes_read{0}, images{0}, pins{0}, kept_logs{0};
  Count uploads{0}, upload_bytes{0}, upload_failures{0}, conflicts{0}, adopted{0}, dropped_captures{0};
  Count takeovers{0}, lost_points{0}, repaired_chains{0};
  Count proofs_append{0}, proofs_ledger{0}, proofs_life{0}, proofs_unchanged{0}, gaps{0};
  Count ignored_files{0}, refused_files{0};
  Count merges{0}, snapshots{0}, upkeep_bytes_read{0}, upkeep_bytes_written{0}, removed_objects{0}, removed_bytes{0};
  Count cache_hits{0}, cache_misses{0}, upkeep_failures{0};
  std::atomic<std::int64_t> pending_bytes{0};  // captured, not stored yet, in memory

  [[nodiscard]] Counters snapshot() const;
};

inline void bump(Probe::Count& count, std::uint64_t by = 1) {
  count.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace engine
