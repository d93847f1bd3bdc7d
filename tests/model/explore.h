// Breadth-first search through everything that can happen in a world, so that a counter-example is a shortest one.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "actions.h"
#include "world.h"

namespace model {

struct Outcome {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  int depth = 0;
  bool complete = true;       // false: given up at `most_states`
  double seconds = 0;         // of this thread
  std::string violation;      // empty: none
  std::vector<Action> trace;  // how to get there
  std::array<std::uint64_t, kProofs> proofs{};
};

Outcome explore(const World& world, std::uint64_t most_states = std::numeric_limits<std::uint64_t>::max());

// One line for a table; the trace with the state after each step.
std::string summary(const World& world, const Outcome& outcome);
std::string readable(const World& world, const std::vector<Action>& trace);

}  // namespace model
