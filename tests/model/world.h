// What may happen in one exploration, how often, and which mistake is built in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "faults.h"
#include "state.h"

namespace model {

enum class Start : Byte {
  closed,  // nobody has the database open; the engine follows it and has stored everything
  asleep,  // the same, and the engine has a fingerprint of the file
  live,    // one application, one commit in the log, which is stored
};

struct World {
  std::string name;
  std::string stresses;
  Start start = Start::closed;
  Byte change_counter = 0;  // of the index at a live start
  std::array<Byte, kBudgets> most{};
  Byte applications = 2;
  bool pages_in_turn = false;         // each commit writes the page that the one before did not
  bool atomic_looks = false;          // nobody gets in between header, frames and header
  bool old_values = false;            // pages may get back the content that they had at the start
  bool random_salts = false;          // a connection may draw new salts for an empty log
  bool late_deaths = false;           // the CLOSE_WRITE of a killed process comes later than the release of its locks
  bool captures_cost_memory = false;  // pages are copied by a second reading of the log, as for large ones
  bool store_answers = false;         // uploads take time and may go wrong; else they are answered at once
  Fault fault = Fault::none;
};

// "commits", "spills": what the command calls a bound.
std::string_view name_of(Budget budget);

// How a position was proven, a base was made, or neither.
enum Proof : Byte { kAppend, kLedger, kLife, kUnchanged, kNothingNew, kLeftover, kGap, kBase, kWoken, kProofs };

std::string_view name_of(Proof proof);

// Filled in while steps are taken.
struct Findings {
  const char* violation = nullptr;
  std::array<std::uint64_t, kProofs> proofs{};
  void violate(const char* what) {
    if (violation == nullptr) violation = what;
  }
};

struct Step {
  State& s;
  const World& world;
  Findings& findings;

  // Counts one use of a bounded thing; false: used up.
  [[nodiscard]] bool spend(Budget what) const {
    if (s.used[what] >= world.most[what]) return false;
    ++s.used[what];
    return true;
  }
  [[nodiscard]] bool may(Budget what) const { return s.used[what] < world.most[what]; }
  [[nodiscard]] bool has(Fault fault) const { return world.fault == fault; }
};

}  // namespace model
