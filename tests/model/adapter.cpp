#include "adapter.h"

#include <chrono>

namespace model {

namespace {

using std::chrono::microseconds;

constexpr std::uint32_t kPageSize = 4096;
constexpr Byte kMany = 3;  // CLOSE_WRITEs: more make no difference

base::SteadyTime last_look() {
  return base::SteadyTime(std::chrono::hours(1));
}

wal::Salts salts_of(Byte generation) {
  return {generation, generation};
}

wal::Checksum checksum_of(std::uint32_t chain) {
  return {chain, chain};
}

Byte at_most_many(std::uint32_t count) {
  return count < kMany ? static_cast<Byte>(count) : kMany;
}

// One tick of the model is the granularity of the kernel's clock for time stamps.
std::int64_t tick_ns() {
  return std::chrono::nanoseconds(os::kTimestampGranularity).count();
}

}  // namespace

base::SteadyTime engine_now(const Knowledge& known) {
  const microseconds passed = known.commits_since == 0 ? microseconds(0) : microseconds(10 * known.commits_since - 1);
  return last_look() + passed;
}

base::SteadyTime much_later() {
  return last_look() + std::chrono::hours(1);
}

os::FileStat stat_of(Byte database_time) {
  os::FileStat stat;
  stat.inode = 1;
  stat.modified_ns = stat.changed_ns = database_time * tick_ns();
  return stat;
}

engine::Fingerprint fingerprint_of(Byte stat, bool all_backfilled, Byte clock) {
  const auto now = clock * os::kTimestampGranularity + std::chrono::milliseconds(1);
  return engine::take_fingerprint(stat_of(stat), all_backfilled, now);
}

engine::Continuity to_engine(const Knowledge& k) {
  engine::Continuity c;
  c.captured.kind = static_cast<engine::PositionKind>(k.kind);
  if (c.captured.kind == engine::PositionKind::log) {
    c.captured.log = {salts_of(k.generation), k.frame, checksum_of(k.checksum), kPageSize, false};
  }
  c.ledger = {k.ledger_valid != 0, k.counter};
  c.fingerprint = {k.fingerprint_complete != 0, stat_of(k.fingerprint_time)};
  c.all_backfilled = k.all_backfilled != 0;
  c.verify_closed = k.verify_closed != 0;
  c.index_closes_since = k.closes_since;
  c.index_closes_at_look = k.closes_at_look;
  c.last_look = last_look();
  if (k.ledger_verdict != 0) c.ledger_verdict_at = last_look();
  if (k.doubt != 0) c.doubt_since = last_look();
  return c;
}

void from_engine(const engine::Continuity& c, Knowledge& k) {
  k.kind = static_cast<Byte>(c.captured.kind);
  const bool log = c.captured.kind == engine::PositionKind::log;
  k.generation = log ? static_cast<Byte>(c.captured.log.salts.first) : Byte{0};
  k.frame = log ? static_cast<Byte>(c.captured.log.frame) : Byte{0};
  k.checksum = log ? c.captured.log.checksum.first : 0;
  k.ledger_valid = c.ledger.valid ? 1 : 0;
  k.counter = static_cast<Byte>(c.ledger.change_counter);
  k.fingerprint_complete = c.fingerprint.complete ? 1 : 0;
  k.fingerprint_time =
      c.fingerprint.complete ? static_cast<Byte>(c.fingerprint.database.modified_ns / tick_ns()) : Byte{0};
  k.all_backfilled = c.all_backfilled ? 1 : 0;
  k.verify_closed = c.verify_closed ? 1 : 0;
  k.closes_since = at_most_many(c.index_closes_since);
  k.closes_at_look = at_most_many(c.index_closes_at_look);
  // Ten microseconds stand for a commit; engine_now() of what was there before is now.
  const auto since = std::chrono::duration_cast<microseconds>(engine_now(k) - c.last_look);
  k.commits_since = static_cast<Byte>((since.count() + 9) / 10);
  k.ledger_verdict = c.ledger_verdict_at ? 1 : 0;
  k.doubt = c.doubt_since ? 1 : 0;
}

engine::Look to_engine(const LookState& l) {
  engine::Look look;
  look.belief = engine::IndexBelief::believed;
  look.settled = l.settled != 0;
  look.header.change_counter = l.seen.counter;
  look.header.page_size = kPageSize;
  look.header.max_frame = l.seen.max_frame;
  look.header.page_count = kPages;
  look.header.frame_checksum = checksum_of(l.seen_checksum);
  look.header.salts = salts_of(l.seen.generation);
  look.header.backfilled = l.seen.backfilled;
  look.chain_continues = l.chain_continues != 0;
  look.chain_from_start = l.chain_from_start != 0;
  look.frames.whole = l.chain_continues != 0 || l.chain_from_start != 0;
  look.frames.end = {salts_of(l.seen.generation), l.end_frame, checksum_of(l.end_checksum), kPageSize, false};
  look.frames.commits = l.commits;
  look.frames.frames = l.end_frame;
  look.frames.page_count = kPages;
  return look;
}

}  // namespace model
