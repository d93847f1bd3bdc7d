// The simulated applications: real SQLite, one fiber a process. Every transaction carries its number, chained by hash
// to the one before, and a sum over all rows, so that a restored file says for itself whether it is whole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sqlite3.h>

#include "machine.h"

namespace simulation {

struct ApplicationPlan {
  int page_size = 4096;
  bool wal = true;                 // else a rollback journal, until somebody switches
  std::string journal = "DELETE";  // DELETE, TRUNCATE or PERSIST
  int synchronous = 1;
  int autocheckpoint = 1000;
  int cache_pages = 0;  // 0: SQLite's default; few: transactions spill
  int busy_timeout_ms = 5000;
  int transactions = 10;
  int rows_max = 5, bytes_max = 600;
  double rollback = 0.05, checkpoint = 0.05, reopen = 0.05, vacuum = 0.01, change_mode = 0.0, read = 0.1, large = 0.03;
  double pause_short = 0.5, pause_long = 0.05;
  Nanos long_pause = 3 * kSecond;
};

struct ApplicationCounts {
  std::uint64_t transactions = 0, rollbacks = 0, errors = 0, busy = 0, checkpoints = 0, opens = 0, vacuums = 0;
};

// Runs to the end of its plan, or of its process. Called in a fiber of `process`.
void run_application(Process& process, const std::string& database, const ApplicationPlan& plan,
                     ApplicationCounts& counts);

// Whole as SQLite sees it, and as its own rows say? Empty: yes. Called for a faultless process.
std::string examine(const std::string& database);

}  // namespace simulation
