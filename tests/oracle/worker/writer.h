// An application that writes to one database, alone or beside others, until it is asked to stop or killed.
#pragma once

#include <map>
#include <string>

#include "oracle/worker/failing_disk.h"

namespace oracle {

// Everything that is decided about a writer is decided by who starts it.
struct WriterSettings {
  std::string database;
  std::string journal;
  std::uint64_t seed = 1;
  double rate = 10;      // transactions a second, about
  int page_size = 4096;  // of a new database, as the two that follow
  int auto_vacuum = 0;
  std::string new_journal_mode = "wal";
  std::string synchronous = "FULL";
  std::string locking = "NORMAL";
  int autocheckpoint = 1000;
  int cache_pages = 0;    // 0: SQLite's default
  bool one_shot = false;  // open, one transaction, close
  int rollback_percent = 0;
  FailureRates failures;
  long long bytes_max = 4 << 20;       // beyond it the database is cleared
  std::map<std::string, int> changes;  // name (changes.h) to weight
  std::map<std::string, int> after;    // action after a commit to per mille
};

// Returns when asked to stop. Throws SqliteError if SQLite reports anything but busy: the application was harmed.
void run_writer(const WriterSettings& settings);

}  // namespace oracle
