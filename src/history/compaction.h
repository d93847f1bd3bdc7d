// Which merge or snapshot a backup needs next. Pure and deterministic. Adds covering objects only, never asks for a
// removal: that is retention.h's. docs/decisions/0011-levels-and-retention.md has the figures behind the rules.
//
//   level 0     one object per upload
//   level 1..4  merges of `fanout` objects of the level below, or of fewer when their UTC hour, day, week or month
//   ends;
//               where that makes a merge of the next level due, too, both are one
//   level 9     the whole database
//
// No clock runs: hours and days end with the first object of a later one, so an idle database has nothing due, ever.
//
// How it is used: after an acknowledged level-0 object ask `Due::after()`, three comparisons; when it says so, load the
// tip (below), call next_action(), carry out what it says, add the new object to the inventory, and call again until
// the answer is Nothing. Its `due` is what to keep. Any action may be left out, be late, or be done twice: the next
// answer is made from what is there.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "history/object.h"

namespace history {

struct CompactionRules {
  std::uint32_t fanout = 12;      // objects of a level that make one of the next
  std::uint32_t closing_min = 4;  // as many are merged early when their hour, day, week or month is over
  // Of level 0 more wait for each other where they come fast: objects of no longer a time, as many and as many bytes
  // (they wait in the cache), and as long as the plan stays a fanout below plan_objects_max. Saves requests.
  std::chrono::milliseconds burst{std::chrono::minutes(2)};
  std::uint32_t burst_fanout = 48;
  std::uint64_t burst_bytes = 512ULL << 10;
  std::uint8_t levels = 4;  // merged levels, 1 to 8
  // Bounds of a restore plan, for the newest state and every one in the window. A snapshot is made one fanout before
  // the first is reached, so that objects may come while it is under way.
  std::uint32_t plan_objects_max = 64;
  double plan_bytes_factor = 3.0;               // of the database's compressed size,
  std::uint64_t plan_bytes_floor = 1ULL << 20;  // or as much, for tiny databases: not a snapshot for each commit
  // A snapshot is due when the merged objects of the newest plan are larger than this much of its image.
  double tail_factor = 1.0;
};

// The database as it is now.
struct DatabaseSize {
  std::uint32_t page_size = 0;   // bytes
  std::uint32_t page_count = 0;  // 0: not known
};

// When next_action() can have another answer than Nothing. Small, to be kept per client; nothing is lost with it: a new
// one asks at once.
struct Due {
  std::uint32_t objects = 0;       // as many more level-0 objects
  std::uint64_t size_bytes = 0;    // or as many more bytes of them
  base::UnixMillis created_at{0};  // or one that is made at this time or later

  // Takes note of an acknowledged level-0 object; true: ask next_action() now.
  bool after(const Object& object);
};

struct Nothing {
  Due due;
};

// Merge `inputs` (ascending, adjacent: each starts where the one before ends) into {inputs.front().min,
// inputs.back().max} of `level`.
struct Merge {
  base::Level level;
  std::vector<Object> inputs;
};

enum class SnapshotReason : std::uint8_t {
  plan_is_long,     // too many objects in the newest plan
  plan_is_large,    // what a restore reads is too large for what it gives
  chain_has_a_gap,  // the newest state cannot be restored from what is there
};
// Words for logs and `explain`.
std::string_view to_string(SnapshotReason reason);

// The whole database as it was at `txid`, the newest in the inventory: {1, txid} of level 9.
struct Snapshot {
  base::Txid txid;
  SnapshotReason why = SnapshotReason::plan_is_long;
};

using Action = std::variant<Nothing, Merge, Snapshot>;

// The objects that next_action() looks at: the newest snapshot (without one, whatever starts the chain), then from the
// highest merged level down what reaches beyond the level above it. Rarely more than plan_objects_max.
// From a table with the key (client, level, min): for level 9 the last row; reached = its max; for level 8 to 0 the
// rows with max > reached, after each level reached = max(reached, their last max). For levels 1 to 8 that is a search
// from the end of the level.
std::vector<Object> tip(const Inventory& inventory);

// Answers the same for an inventory and for its tip alone. O(tip) for the tip.
Action next_action(const Inventory& inventory, const DatabaseSize& now, const CompactionRules& rules = {});

}  // namespace history
