// What one seed simulates: drawn before anything runs, so that a seed's character can be read at a glance.
#pragma once

#include <string>
#include <vector>

#include "application.h"
#include "history/compaction.h"
#include "history/retention.h"
#include "store.h"
#include "watcher.h"

namespace simulation {

struct TenantPlan {
  ApplicationPlan application;
  int phases = 2;     // of applications that come and go; between them the files may be exchanged
  int processes = 2;  // at a time, at most
  double kill = 0;    // that a process is killed in a phase
  double kill_at_step = 0;
  double replace = 0;   // that the database is replaced by another one after a phase
  double recreate = 0;  // that it is deleted and begun anew
  Nanos poll = kMilli;  // between two looks of its operator at whether everybody has gone
};

struct DaemonPlan {
  int workers = 2;
  std::int64_t sync_interval_ms = 100;
  std::int64_t cold_after_ms = 5000;
  std::int64_t memory_limit_bytes = 64 << 20;
  std::uint64_t page_set_bytes = 16 << 20;
  bool switch_to_wal = true;
  Nanos start_after = 0;
  int kills = 0;  // at any moment
  int clean_stops = 0;
  double kill_at_step = 0;
  bool state_is_lost = false;  // after a kill, once
  history::CompactionRules compaction;
  history::RetentionPolicy retention;
};

struct OutagePlan {
  Nanos begin = 0, end = 0;
  Outage kind = Outage::none;
};

struct Plan {
  std::vector<TenantPlan> tenants;
  DaemonPlan daemon;
  StorePlan store;
  WatchPlan watch;
  FaultRates application_faults, daemon_faults;
  std::vector<OutagePlan> outages;
  int power_cuts = 0;
  Nanos tick = 20 * kMilli;  // between two looks at the daemon; longer where days pass
  double stall_chance = 0.003;
  Nanos stall_max = 20 * kMilli;

  [[nodiscard]] std::string text() const;
};

Plan draw_plan(std::uint64_t seed);

}  // namespace simulation
