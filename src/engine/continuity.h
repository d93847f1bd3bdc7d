// What is known of one database between two looks at its log, and what a look, an event or a verdict does to that
// knowledge. Plain data and pure transitions: no file, lock or clock. LogTracker feeds it with what it reads;
// tests/model feeds it with every interleaving of small worlds.
//
// Copied freely; belongs to whoever holds it. Nothing here blocks or fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "engine/judge.h"
#include "engine/look.h"
#include "engine/position.h"

namespace engine {

// What the event stream told of one life of the log.
struct LifeFacts {
  bool start_seen = false;  // its creation was told, so that it is known to have started empty
  std::uint32_t index_closes = 0;
  bool events_lost = false;
  bool written_before = false;  // the database file was written before its creation was told
  bool written_after = false;   // the database file was written after this log was gone
};

struct Continuity {
  Position captured;
  LedgerStart ledger;
  Fingerprint fingerprint;
  bool all_backfilled = false;             // everything captured is in the database file too
  bool verify_closed = false;              // events may be missing: `closed` needs its fingerprint
  std::uint32_t index_closes_since = 0;    // since the ledger's start value was read
  std::uint32_t index_closes_at_look = 0;  // how many of them were known when the last header was read
  base::SteadyTime last_look{};
  // A process left within a second after a verdict that rests on the ledger: it may have died before that verdict.
  std::optional<base::SteadyTime> ledger_verdict_at;
  std::optional<base::SteadyTime> doubt_since;

  // Where capture stands according to the state database: events since then are missing.
  void resume(const Position& position, const Fingerprint& then);
  // Nothing is known any more: only a base makes it known again.
  void forget();

  // The event stream.
  void index_closed(base::SteadyTime now);
  void events_lost();

  // One look: before its first header is read; what it and the stream prove; and what is known once a verdict (not
  // gap) was carried out. `database_unchanged`: `fingerprint` still holds, asked after the look.
  void begin_look() { index_closes_at_look = index_closes_since; }
  [[nodiscard]] Evidence evidence(const Look& look, const LifeFacts& life, LookMode mode, bool database_unchanged,
                                  base::SteadyTime now) const;
  void accept(Verdict verdict, const Look& look, LookMode mode, base::SteadyTime now);

  // The log was read to its end and is deleted. REQUIRES: its last verdict was accepted.
  void end_life();
  // No log is left, and the database file is as it was when it held everything captured.
  void log_is_gone();
  // A log with nobody attached was read as recovery would read it, up to `end`.
  void accept_leftover(const LogPosition& end, bool took_pages);

  // What was found out about the file; it proves that nothing happened only while everything captured is in it.
  void note_fingerprint(const Fingerprint& found);
  // Descriptors are let go: the change counter is not watched from here on.
  void go_cold(const Fingerprint& found);

  // Does a verdict stand in doubt, and for so long that what would have cleared it is not coming?
  [[nodiscard]] bool doubtful() const { return doubt_since.has_value(); }
  [[nodiscard]] bool doubt_is_final(base::SteadyTime now) const;
};

}  // namespace engine
