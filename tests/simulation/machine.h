// The simulated machine as the replaced parts of the product find it: world and disk of the seed that runs now, and the
// faults that are built into what the engine sees (faults.h).
#pragma once

#include <string_view>

#include "disk.h"
#include "faults.h"
#include "world.h"

namespace simulation {

struct Machine {
  World world;
  Disk disk{world};
  Random closing{0};  // delays of the closer
  Fault fault = Fault::none;
  std::uint64_t boots = 1;
  std::int32_t pids = 100;
  std::function<void()> refuse_requests;  // of the store's end in a daemon that is dead

  explicit Machine(std::uint64_t seed);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  static Machine& current();

 private:
  // The wal-indexes as they were when a process died whose rest still has to run out.
  std::vector<std::pair<InodePtr, base::Bytes>> indexes_;
};

// Whose files must not be written by us.
inline constexpr std::string_view kTenants = "/simulated/clients";
inline constexpr std::string_view kState = "/simulated/state";
inline bool is_tenants(std::string_view path) {
  return path.starts_with(kTenants);
}

}  // namespace simulation
