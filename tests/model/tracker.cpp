// Evidence, verdicts and what is taken: LogTracker's looks, final reads and gaps.
#include "tracker.h"

#include "adapter.h"
#include "engine/judge.h"

namespace model {

namespace {

// Frames from+1..to of a log; `chain` is the checksum at `from`.
struct Range {
  int from;
  int to;
  std::uint32_t chain;
};

struct Read {
  bool whole = false;
  std::uint32_t chain = 0;
  Byte commits = 0;
  Pages pages;
};

Read read_frames(const Log& log, Byte generation, const Range& range, bool verified) {
  Read read;
  read.chain = range.chain;
  for (int i = range.from; i < range.to; ++i) {
    const Frame& frame = log.frames[static_cast<std::size_t>(i)];
    if (verified && (frame.generation != generation || chain_after(read.chain, frame) != frame.chain)) return read;
    read.chain = frame.chain;
    read.pages.put(frame.page, frame.value);
    if (frame.commit != 0) ++read.commits;
  }
  read.whole = true;
  return read;
}

bool continues(const Knowledge& known, const Index& seen) {
  return known.kind == static_cast<Byte>(engine::PositionKind::log) && known.generation == seen.generation;
}

void keep(LookState& look, const Read& read, Byte end) {
  look.commits = read.commits;
  look.pages = read.pages;
  look.end_frame = end;
  look.end_checksum = read.chain;
}

void count(const Step& step, engine::Verdict verdict) {
  static constexpr std::array<Proof, 6> kOf{kNothingNew, kAppend, kLedger, kLife, kUnchanged, kGap};
  ++step.findings.proofs[kOf[static_cast<std::size_t>(verdict)]];
}

bool missed(const Step& step, bool newest) {
  Manager& m = step.s.manager;
  if (newest && database_unchanged(step)) {
    change(m.known, [](engine::Continuity& c) { c.log_is_gone(); });
    return true;
  }
  need_base(step);
  return false;
}

bool finish_life(const Step& step, const Life& life) {
  State& s = step.s;
  Manager& m = s.manager;
  if (m.known.kind == 0) return true;
  const bool newest = m.ended[0].present == 0 && m.life.present == 0;
  if (life.pair.log == 0) return missed(step, newest);
  const Log& log = s.logs[life.pair.log - 1U];
  if (log.file != LogFile::deleted && !step.has(Fault::final_look_at_a_living_log)) return missed(step, newest);
  change(m.known, [](engine::Continuity& c) { c.begin_look(); });
  if (log.index.torn != 0) return missed(step, newest);
  m.look = {};
  m.look.seen = log.index;
  m.look.seen_checksum = log.index.max_frame > 0 ? log.frames[log.index.max_frame - 1U].chain : 0;
  m.look.claim = log.commits_at_end;
  walk(step, log);
  if (log.index.backfilled < log.index.max_frame || (m.known.doubt != 0 && life.index_closes > 1)) {
    need_base(step);
    return false;
  }
  const bool taken = take(step, verdict_of(step, life, engine::LookMode::final), log, engine::LookMode::final);
  m.look = {};
  if (!taken) return false;
  change(m.known, [&](engine::Continuity& c) { c.end_life(); });
  return true;
}

}  // namespace

bool vouched(const State& s, Byte log) {
  return log != 0 && log == s.current && s.apps > 0;
}

bool database_unchanged(const Step& step) {
  const engine::Continuity c = to_engine(step.s.manager.known);
  return engine::unchanged(c.fingerprint, stat_of(step.s.database_time));
}

Content belief(const State& s) {
  const Manager& m = s.manager;
  const Content stored = m.frozen.present != 0 ? m.frozen.pages.over(s.stored.index) : s.stored.index;
  return m.gathered.over(stored);
}

void claim(const Step& step, Byte commit) {
  State& s = step.s;
  s.manager.known.claim = commit;
  if (s.manager.base != BasePhase::none || (step.world.late_deaths && death_is_on_its_way(s))) return;
  if (belief(s) != s.history[commit]) step.findings.violate("what is captured is not what was committed");
}

void lose_position(const Step& step) {
  Manager& m = step.s.manager;
  change(m.known, [](engine::Continuity& c) { c.forget(); });
  m.known.pinned = 0;
  m.known.claim = 0;
  m.ended = {};
}

void need_base(const Step& step) {
  Manager& m = step.s.manager;
  lose_position(step);
  ++step.findings.proofs[kGap];
  m.base = BasePhase::needed;
  m.base_done = m.base_saw_log = m.base_stat = m.base_stat_after = m.base_clock = 0;
  m.rest = RestPhase::none;
  m.rest_stat = m.rest_clock = 0;
  m.gathered = {};
  m.look = {};
  m.step_took_pages = 0;
}

bool attach_by_path(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  if (m.life.pair.log != 0) return true;
  if (s.current == 0) return false;
  m.life.present = 1;
  m.life.pair = {s.current, stream_mark(s), stream_mark(s)};
  return true;
}

void walk(const Step& step, const Log& log) {
  LookState& look = step.s.manager.look;
  const Knowledge& known = step.s.manager.known;
  const Index& seen = look.seen;
  if (seen.max_frame == 0) return;
  const bool verified =
      !step.has(Fault::chain_is_not_verified) && !step.has(Fault::chain_is_not_verified_and_header_read_once);
  if (continues(known, seen)) {
    if (seen.max_frame <= known.frame) return;
    const Read read = read_frames(log, seen.generation, {known.frame, seen.max_frame, known.checksum}, verified);
    look.chain_continues = read.whole && (!verified || read.chain == look.seen_checksum) ? 1 : 0;
    return keep(look, read, seen.max_frame);
  }
  if (log.header_generation != seen.generation && verified) return;
  const Read read = read_frames(log, seen.generation, {0, seen.max_frame, chain_seed(seen.generation)}, verified);
  look.chain_from_start = read.whole && (!verified || read.chain == look.seen_checksum) ? 1 : 0;
  keep(look, read, seen.max_frame);
}

engine::Verdict verdict_of(const Step& step, const Life& life, engine::LookMode mode) {
  const Manager& m = step.s.manager;
  const engine::LifeFacts facts{life.start_seen != 0, life.index_closes, life.events_lost != 0, false};
  const bool unchanged = mode == engine::LookMode::live && database_unchanged(step);
  engine::Continuity known = to_engine(m.known);
  if (step.has(Fault::life_starts_anywhere)) known.verify_closed = false;
  const engine::Evidence evidence = known.evidence(to_engine(m.look), facts, mode, unchanged, engine_now(m.known));
  return engine::judge(with_fault(evidence, step.world.fault));
}

bool take(const Step& step, engine::Verdict verdict, const Log& log, engine::LookMode mode) {
  Manager& m = step.s.manager;
  if (verdict == engine::Verdict::gap) {
    need_base(step);
    return false;
  }
  count(step, verdict);
  if (verdict != engine::Verdict::nothing_new && m.look.seen.max_frame > 0) {
    if (step.world.captures_cost_memory && mode != engine::LookMode::final) {
      const int from = continues(m.known, m.look.seen) ? m.known.frame : 0;
      m.look.pages = read_frames(log, 0, {from, m.look.seen.max_frame, 0}, false).pages;
      const bool restarted = log.index.torn != 0 || log.index.generation != m.look.seen.generation;
      if (restarted && !step.has(Fault::copy_is_not_checked)) {
        need_base(step);
        return false;
      }
    }
    m.gathered = {static_cast<Byte>(m.gathered.mask | m.look.pages.mask), m.look.pages.over(m.gathered.content)};
    m.step_took_pages = 1;
  }
  const Knowledge before = m.known;
  change(m.known, [&](engine::Continuity& c) { c.accept(verdict, to_engine(m.look), mode, engine_now(m.known)); });
  keep_faulty(step.world.fault, before, m.known);
  if (step.has(Fault::final_look_clears_every_doubt)) m.known.verify_closed = 0;
  claim(step, m.look.claim);
  return true;
}

bool finish_lives(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  while (m.ended[0].present != 0) {
    // Whose descriptors they are is known once the stream was read up to where they were opened.
    if (m.ended[0].pair.mark > 0 && !step.has(Fault::final_look_without_listening)) hear_all(step);
    if (m.ended[0].present == 0) break;
    const Life life = m.ended[0];
    std::copy(m.ended.begin() + 1, m.ended.end(), m.ended.begin());
    m.ended.back() = {};
    if (!finish_life(step, life)) return false;
  }
  return true;
}

}  // namespace model
