#include "engine/judge.h"

namespace engine {

namespace {

std::uint32_t closes_allowed(const Evidence& e) {
  return e.final_look ? 1 : 0;
}

// C: every commit since the last look is in the log that we see. An index whose counter went back to 0 unseen (a writer
// that died inside the header update) could imitate this only by committing as often as the counter stood, so the start
// value must exceed what is possible; and a death always shows as a CLOSE_WRITE of the index.
bool ledger_proves(const Evidence& e) {
  if (!e.ledger.valid || e.index_closes_since > closes_allowed(e)) return false;
  if (e.ledger.change_counter <= most_commits_in(e.since_last_look)) return false;
  const std::uint32_t commits = e.seen.change_counter - e.ledger.change_counter;  // modulo 2^32 on purpose
  if (e.seen.max_frame == 0) return commits == 0;
  return e.chain_from_start && commits == e.commits_from_start;
}

// G: the counter of a new index starts at 0, so all of this log's commits are counted; equal to the frames seen, none
// was lost to a restart. Any process that left before (it may have died inside the header update) voids it, except the
// last closer itself.
bool life_proves(const Evidence& e) {
  if (!e.life_start_proven) return false;
  // Seen higher in this very life: the index was rebuilt since.
  if (e.ledger.valid && e.seen.change_counter < e.ledger.change_counter) return false;
  if (e.index_closes_in_life > closes_allowed(e)) return false;
  if (e.seen.max_frame == 0) return e.seen.change_counter == 0;
  return e.chain_from_start && e.seen.change_counter == e.commits_from_start;
}

// An unproven position may be reached again by a log that was recovered and written anew. The counter tells, as long as
// nobody left: a recovery needs that all who were attached are gone.
bool follows(const Evidence& e, std::uint32_t commits) {
  if (!e.captured.log.unproven) return true;
  if (!e.ledger.valid || e.index_closes_since > closes_allowed(e)) return false;
  return e.seen.change_counter - e.ledger.change_counter == commits;
}

bool unchanged_proves(const Evidence& e) {
  return e.database_unchanged && (e.seen.max_frame == 0 || e.chain_from_start);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::nothing_new:
      return "nothing_new";
    case Verdict::append:
      return "append";
    case Verdict::ledger:
      return "ledger";
    case Verdict::life:
      return "life";
    case Verdict::unchanged:
      return "unchanged";
    case Verdict::gap:
      return "gap";
  }
  return "gap";
}

bool rests_on_events(Verdict verdict, PositionKind captured, bool unproven) {
  if (captured == PositionKind::log && unproven) return true;
  if (verdict == Verdict::append) return false;
  return verdict != Verdict::nothing_new || captured != PositionKind::log;
}

std::uint64_t most_commits_in(std::chrono::microseconds elapsed) {
  return static_cast<std::uint64_t>(elapsed.count()) / 10 + 1;  // 100,000 a second
}

Verdict judge(const Evidence& e) {
  switch (e.captured.kind) {
    case PositionKind::none:
      return Verdict::gap;
    case PositionKind::closed:
      if (unchanged_proves(e)) return e.seen.max_frame == 0 ? Verdict::nothing_new : Verdict::unchanged;
      if (life_proves(e)) return e.seen.max_frame == 0 ? Verdict::nothing_new : Verdict::life;
      if (ledger_proves(e)) return Verdict::ledger;
      return Verdict::gap;
    case PositionKind::log:
      break;
  }
  const LogPosition& at = e.captured.log;
  if (e.seen.salts == at.salts && e.seen.max_frame > 0) {
    if (e.seen.max_frame < at.frame || e.seen.page_size != at.page_size) return Verdict::gap;
    if (e.seen.max_frame == at.frame) {
      return e.seen.frame_checksum == at.checksum && follows(e, 0) ? Verdict::nothing_new : Verdict::gap;
    }
    return e.chain_continues && follows(e, e.commits_appended) ? Verdict::append : Verdict::gap;
  }
  if (unchanged_proves(e)) return Verdict::unchanged;
  if (ledger_proves(e)) return Verdict::ledger;
  return Verdict::gap;
}

}  // namespace engine
