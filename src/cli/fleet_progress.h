// How far a command over many clients is, on standard error: a bar that moves on a terminal, else a line now and then.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "cli/progress.h"

namespace cli {

// Of many clients, each with a weight: the bytes that its backup takes in the bucket.
struct FleetCount {
  std::size_t done = 0, total = 0;
  std::uint64_t weight_done = 0, weight_total = 0;
  std::uint64_t bytes = 0;  // read so far
  std::chrono::milliseconds elapsed{0};
};

// "312 of 1000 clients, 640.0 MiB read, 91.2 MiB/s, about 7 s left". The estimate is of the share of the weight, since
// what has to be read of a backup is known only then; none before a fiftieth of it is done.
std::string fleet_line(const FleetCount& count);
// The same behind a bar, at most `columns` wide.
std::string fleet_bar(const FleetCount& count, std::size_t columns);

// Thread safe.
class FleetProgress {
 public:
  FleetProgress(std::size_t clients, std::uint64_t weight);
  void read(std::uint64_t bytes);
  void done(std::uint64_t weight);
  // Takes the bar away.
  void clear();
  [[nodiscard]] std::chrono::milliseconds elapsed() const;

 private:
  void show();

  const bool on_terminal_;
  const base::SteadyTime start_;
  std::mutex mutex_;
  FleetCount count_;
  ProgressPace pace_;
};

std::size_t terminal_columns();  // of standard error

}  // namespace cli
