// The worlds that are explored, and which of them shows each seeded fault.
#pragma once

#include <string_view>
#include <vector>

#include "world.h"

namespace model {

// Explored in each run of the tests.
std::vector<World> worlds();
// The same with larger bounds, for a machine that has an hour.
std::vector<World> large_worlds();
// REQUIRES: there is one of that name in `worlds` (a mistake of the caller otherwise: ends the program).
World world_named(std::string_view name);

struct SeededFault {
  Fault fault;
  std::string_view world;
  // Empty: it must lead to a counter-example. Else: why there is none within these bounds, which is proved too.
  std::string_view covered_by;
};
std::vector<SeededFault> seeded_faults();

}  // namespace model
