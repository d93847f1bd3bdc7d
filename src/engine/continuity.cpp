#include "engine/continuity.h"

#include <algorithm>

namespace engine {

namespace {

using std::chrono::microseconds;

// A process that died before a verdict shows its CLOSE_WRITE within this time after it.
constexpr std::chrono::seconds kDoubtWindow{1};
// The CLOSE_WRITE may be that of the log's last closer, whose deletion of the log then follows at once.
constexpr std::chrono::milliseconds kDoubtLasts{100};

}  // namespace

void Continuity::resume(const Position& position, const Fingerprint& then) {
  captured = position;
  fingerprint = then;
  all_backfilled = then.complete;
  verify_closed = true;
}

void Continuity::forget() {
  captured = {};
  ledger = {};
  fingerprint = {};
  ledger_verdict_at.reset();
  doubt_since.reset();
}

void Continuity::index_closed(base::SteadyTime now) {
  ++index_closes_since;
  if (ledger_verdict_at && now - *ledger_verdict_at < kDoubtWindow && !doubt_since) doubt_since = now;
}

void Continuity::events_lost() {
  index_closes_since += 2;
  verify_closed = true;
}

Evidence Continuity::evidence(const Look& look, const LifeFacts& life, LookMode mode, bool database_unchanged,
                              base::SteadyTime now) const {
  Evidence e;
  e.captured = captured;
  e.ledger = ledger;
  e.seen = look.header;
  e.chain_continues = look.chain_continues;
  e.chain_from_start = look.chain_from_start;
  e.commits_from_start = look.chain_from_start ? look.frames.commits : 0;
  e.commits_appended = look.chain_continues ? look.frames.commits : 0;
  e.index_closes_since = index_closes_since;
  e.index_closes_in_life = life.index_closes;
  e.final_look = mode == LookMode::final;
  // A position of an earlier run, or one from before lost events, says nothing about where this life began.
  e.life_start_proven = life.start_seen && !life.events_lost && !verify_closed && captured.kind == PositionKind::closed;
  e.database_unchanged = mode == LookMode::live && database_unchanged;
  e.since_last_look = std::chrono::duration_cast<microseconds>(now - last_look) + microseconds(1);
  return e;
}

void Continuity::accept(Verdict verdict, const Look& look, LookMode mode, base::SteadyTime now) {
  const wal::IndexHeader& header = look.header;
  if (verdict != Verdict::nothing_new && header.max_frame > 0) {
    captured = {PositionKind::log, look.frames.end};
    fingerprint = {};
  }
  // One that does not hold any more never will again.
  const bool holds = fingerprint.complete && untouched(fingerprint, look.database.database);
  if (!holds && look.database.database.inode != 0) fingerprint = look.database;
  const bool rests_on_ledger = verdict == Verdict::ledger || verdict == Verdict::life;
  if (rests_on_ledger && mode == LookMode::live) ledger_verdict_at = now;
  ledger = {mode == LookMode::live, header.change_counter};
  // What closed the index after its header was read counts for the next verdict too.
  index_closes_since -= std::min(index_closes_since, index_closes_at_look);
  // What followed the end of a log that is deleted may have been missed all the same.
  if (mode == LookMode::live) verify_closed = false;
  last_look = now;
  const bool backfilled = header.max_frame == 0 || header.backfilled >= header.max_frame;
  all_backfilled = mode == LookMode::final || (mode == LookMode::live && backfilled);
}

void Continuity::end_life() {
  captured = {PositionKind::closed, {}};
  ledger = {};
  ledger_verdict_at.reset();
  doubt_since.reset();
}

void Continuity::log_is_gone() {
  captured = {PositionKind::closed, {}};
  ledger = {};  // of an index that is gone as well
}

void Continuity::accept_leftover(const LogPosition& end, bool took_pages) {
  captured = {PositionKind::log, end};
  if (took_pages) fingerprint.complete = false;
  ledger = {};
  all_backfilled = false;
}

void Continuity::note_fingerprint(const Fingerprint& found) {
  if (captured.kind == PositionKind::none) return;
  fingerprint = found;
  fingerprint.complete = found.complete && all_backfilled;
}

void Continuity::go_cold(const Fingerprint& found) {
  fingerprint = found;
  ledger = {};
}

bool Continuity::doubt_is_final(base::SteadyTime now) const {
  return doubt_since && now - *doubt_since > kDoubtLasts;
}

}  // namespace engine
