// One seed from its plan to its verdict.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "application.h"
#include "engine/status.h"
#include "faults.h"
#include "store.h"

namespace simulation {

struct SeedOptions {
  Fault fault = Fault::none;  // built into what the engine sees
  bool lines = false;         // keep a readable trace
};

struct Outcome {
  std::uint64_t seed = 0;
  std::string violation;  // empty: all is well
  std::uint64_t trace_hash = 0;
  std::string plan;
  std::vector<std::string> lines;

  std::uint64_t steps = 0, switches = 0, kills = 0, power_cuts = 0, states = 0, objects = 0, overflows = 0, daemons = 0,
                merged = 0, snapshots = 0, removed = 0;
  std::uint64_t faults[kOps] = {};
  double virtual_seconds = 0;
  StoreCounts store;
  ApplicationCounts applications;
  engine::Counters engine;
};

Outcome run_seed(std::uint64_t seed, const SeedOptions& options);

}  // namespace simulation
