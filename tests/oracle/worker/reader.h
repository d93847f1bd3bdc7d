// Applications that read: long and short transactions, which hold checkpoints back, and snapshots of all pages.
#pragma once

#include <cstdint>
#include <string>

namespace oracle {

struct ReaderSettings {
  std::string database;
  std::string journal;
  std::string snapshots;  // folder
  std::uint64_t seed = 1;
  double rate = 2;                         // transactions a second, about
  long long snapshot_bytes_max = 8 << 20;  // larger databases are read without keeping their pages
};

// Returns when asked to stop.
void run_reader(const ReaderSettings& settings);

}  // namespace oracle
