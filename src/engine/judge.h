// The proof of continuity as a pure function. Correctness rests on `append` (rule A), `unchanged` (E) and on answering
// everything else with a page diff; `ledger` (C) and `life` (G) only save diffs. docs/decisions/0005 has the
// counter-examples that shaped each condition.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/position.h"
#include "wal/index.h"

namespace engine {

enum class Verdict : std::uint8_t {
  nothing_new,  // caught up
  append,       // A: take frames captured+1 .. seen.max_frame
  ledger,       // C: the log was restarted; take frames 1 .. seen.max_frame (none if 0)
  life,         // G: a log seen from its creation; take frames 1 .. seen.max_frame
  unchanged,    // E: the database file is untouched since it held everything; take frames 1 .. seen.max_frame
  gap,          // F: not proven; only a page diff makes it whole. Also an empty log that no rule explains: an index
                // that was rebuilt looks like one that nobody has written to
};
std::string_view to_string(Verdict verdict);

// The ledger's start value: the change counter at the last capture, usable only while `valid`.
struct LedgerStart {
  bool valid = false;  // read under an index that somebody vouched for; void from any moment without that
  std::uint32_t change_counter = 0;
};

struct Evidence {
  Position captured;
  LedgerStart ledger;

  wal::IndexHeader seen;                 // one consistent, vouched-for (or final) header
  bool chain_continues = false;          // frames captured+1..max_frame chain from our checksum to the header's
  bool chain_from_start = false;         // frames 1..max_frame chain from the log header to the index header's checksum
  std::uint32_t commits_from_start = 0;  // counted over frames 1..max_frame
  std::uint32_t commits_appended = 0;    // counted over frames captured+1..max_frame

  // From the event stream, drained after the look.
  // How often a process closed the index between the reading of the ledger's start value and this look; lost events
  // count as many. The last closer of a final look is one of them.
  std::uint32_t index_closes_since = 0;
  std::uint32_t index_closes_in_life = 0;
  bool final_look = false;         // the log was deleted and these descriptors are known to be its own
  bool life_start_proven = false;  // creation of this log was seen, and everything before it had been captured
  // E: after the look the database file is as it was when everything captured was in it. A restart of the log needs a
  // whole checkpoint before, which writes to the file; so every commit since is in the log that we see.
  bool database_unchanged = false;
  std::chrono::microseconds since_last_look{0};
};

// The most commits that one database can see in `elapsed`; deliberately generous (measured peak: 35,000 a second).
std::uint64_t most_commits_in(std::chrono::microseconds elapsed);

Verdict judge(const Evidence& evidence);

// Must the event stream be heard to its end before this verdict counts? All but those that the log itself proves: a log
// that is looked at through one's own descriptors may be another one than the stream has told of so far. `unproven`: of
// the captured position.
bool rests_on_events(Verdict verdict, PositionKind captured, bool unproven = false);

}  // namespace engine
