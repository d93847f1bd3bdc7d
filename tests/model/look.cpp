// Looks at a living log, one step for each moment at which the applications may get in between, and logs that nobody
// has open.
#include <algorithm>

#include "actions.h"
#include "adapter.h"
#include "engine/judge.h"
#include "tracker.h"

namespace model {

namespace {

const Log& held_log(const State& s) {
  return s.logs[s.manager.life.pair.log - 1U];
}

// Nothing can be said now: the look ends, and whatever it was made for waits or begins again.
void unsettled(const Step& step) {
  Manager& m = step.s.manager;
  m.step_took_pages = 0;
  if (m.look.begins_base != 0) m.base = BasePhase::needed;
  if (m.base == BasePhase::stamped) m.base = BasePhase::read;
  m.look = {};
  m.rest = RestPhase::none;
  m.rest_stat = m.rest_clock = 0;
}

std::uint32_t file_hash(const Log& log) {
  std::uint32_t hash = log.header_generation + 1U;
  for (const Frame& frame : log.frames) hash = (hash * 0x01000193U) ^ chain_after(frame.chain, frame);
  return hash;
}

std::uint32_t end_chain(const Log& log, int frames) {
  return frames == 0 ? chain_seed(log.header_generation) : log.frames[static_cast<std::size_t>(frames - 1)].chain;
}

// LogTracker::read_leftover up to its last check.
void read_leftover(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const Log& log = held_log(s);
  if (s.apps > 0 && s.current == m.life.pair.log) return unsettled(step);
  if (log.header_generation == 0) {
    if (m.look.begins_base != 0) {
      change(m.known, [](engine::Continuity& c) {
        c.captured.kind = engine::PositionKind::closed;
        c.all_backfilled = true;
      });
      claim(step, s.commits);
      return looked(step, true, false);
    }
    const bool believed = step.has(Fault::empty_leftover_is_nothing_new) && m.known.verify_closed == 0;
    if (!database_unchanged(step) && !believed) return need_base(step);
    claim(step, s.commits);
    return looked(step, true, false);
  }
  int from = 0;
  const bool is_log = m.known.kind == static_cast<Byte>(engine::PositionKind::log);
  const bool same = m.look.begins_base != 0 || (is_log && m.known.generation == log.header_generation);
  if (same && is_log && m.known.frame > 0) {
    const Frame& last = log.frames[m.known.frame - 1U];
    const bool there = last.chain == m.known.checksum && last.generation == log.header_generation;
    if (!there && !step.has(Fault::leftover_is_not_compared)) return need_base(step);
    from = m.known.frame;
  } else if (!same && !database_unchanged(step) && !step.has(Fault::leftover_is_not_compared)) {
    return need_base(step);
  }
  LookState& look = m.look;
  look.phase = LookPhase::leftover_read;
  look.seen = {};
  look.seen.generation = log.header_generation;
  const int end = std::max<int>(valid_frames(log), from);
  for (int i = from; i < end; ++i) {
    const Frame& frame = log.frames[static_cast<std::size_t>(i)];
    look.pages.put(frame.page, frame.value);
  }
  look.end_frame = static_cast<Byte>(end);
  look.end_checksum = end_chain(log, end);
  look.claim = s.commits;
  look.seen_checksum = file_hash(log);
}

bool leftover_again(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const LookState look = m.look;
  const Log& log = held_log(s);
  const bool same = look.seen_checksum == file_hash(log) && !vouched(s, m.life.pair.log);
  const bool checked = !step.has(Fault::leftover_is_not_checked_again);
  if (checked && (!same || hear_all(step))) {
    need_base(step);
    return true;
  }
  if (m.known.kind == 0 && look.begins_base == 0) {
    need_base(step);
    return true;
  }
  const bool took = look.pages.mask != 0;
  if (took) m.gathered = {static_cast<Byte>(m.gathered.mask | look.pages.mask), look.pages.over(m.gathered.content)};
  LookState end;
  end.seen.generation = look.seen.generation;
  end.end_frame = look.end_frame;
  end.end_checksum = look.end_checksum;
  change(m.known, [&](engine::Continuity& c) { c.accept_leftover(to_engine(end).frames.end, took); });
  ++step.findings.proofs[kLeftover];
  claim(step, look.claim);
  looked(step, true, took);
  return true;
}

void read_header(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  change(m.known, [](engine::Continuity& c) { c.begin_look(); });
  const Log& log = held_log(s);
  if (log.index.torn != 0) return unsettled(step);
  m.look.phase = LookPhase::header_read;
  m.look.seen = log.index;
  if (step.has(Fault::frames_beyond_the_index))
    m.look.seen.max_frame = std::max(valid_frames(log), log.index.max_frame);
  if (m.look.seen.max_frame > 0) m.look.seen_checksum = log.frames[m.look.seen.max_frame - 1U].chain;
  m.look.claim = s.commits;
}

void follow_live_log(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  if (held_log(s).file == LogFile::deleted) {
    if (hear_all(step)) return unsettled(step);
    return need_base(step);
  }
  if (!vouched(s, m.life.pair.log) && !step.has(Fault::index_without_a_voucher)) {
    m.known.pinned = 0;
    return read_leftover(step);
  }
  read_header(step);
}

void without_log(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool log = m.known.kind == static_cast<Byte>(engine::PositionKind::log);
  if (log || m.life.present != 0) {
    if (hear_all(step) || attach_by_path(step)) return unsettled(step);
    if (!database_unchanged(step)) return need_base(step);
    change(m.known, [](engine::Continuity& c) { c.log_is_gone(); });
    m.life = {};
    claim(step, s.commits);
    ++step.findings.proofs[kWoken];
    return looked(step, true, false);
  }
  if (m.known.verify_closed != 0) {
    if (!database_unchanged(step) && !step.has(Fault::closed_needs_no_fingerprint)) return need_base(step);
    m.known.verify_closed = 0;
    ++step.findings.proofs[kWoken];
    claim(step, s.commits);
  } else if (stream_mark(s) == 0) {
    claim(step, s.commits);  // no log, and everything that happened was heard
  }
  looked(step, true, false);
}

bool begin_step(const Step& step) {
  Manager& m = step.s.manager;
  const bool base = m.base == BasePhase::reading || m.base == BasePhase::next_page || m.base == BasePhase::stamped;
  if (m.base != BasePhase::none && !base) return false;
  if (m.rest != RestPhase::none && m.rest != RestPhase::looking) return false;
  if (m.base == BasePhase::stamped && !step.has(Fault::base_ends_without_listening)) hear_all(step);
  if (m.base != BasePhase::stamped && m.rest == RestPhase::none) drain(step);
  if (!finish_lives(step)) return true;
  if (m.known.kind == 0 || m.known.doubt != 0) {
    need_base(step);
    return true;
  }
  if (attach_by_path(step)) {
    follow_live_log(step);
  } else {
    without_log(step);
  }
  return true;
}

// LogTracker::append_unvouched: nobody is to be seen at the index; it counts only as far as it continues our chain.
bool append_unvouched(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool idle = m.look.phase == LookPhase::none && m.base == BasePhase::none && m.rest == RestPhase::none;
  const bool log = m.known.kind == static_cast<Byte>(engine::PositionKind::log);
  if (!idle || !log || m.life.pair.log == 0 || vouched(s, m.life.pair.log)) return false;
  const Log& held = held_log(s);
  if (held.file == LogFile::deleted || held.index.torn != 0) return false;
  read_header(step);
  // What was written and not published is committed only once the index is rebuilt.
  const Content published = content_after(s.database, held, held.index.max_frame);
  if (published != s.history[s.commits] && s.commits > 0) --m.look.claim;
  walk(step, held);
  const bool appends = verdict_of(step, m.life, engine::LookMode::unvouched) == engine::Verdict::append;
  if (appends) take(step, engine::Verdict::append, held, engine::LookMode::unvouched);
  m.look = {};
  m.step_took_pages = 0;
  return appends;
}

bool read_header_again(const Step& step) {
  State& s = step.s;
  LookState& look = s.manager.look;
  const Log& log = held_log(s);
  const bool steady = log.index.torn == 0 && log.index.generation == look.seen.generation &&
                      log.index.max_frame >= look.seen.max_frame && vouched(s, s.manager.life.pair.log);
  const bool once = step.has(Fault::header_is_read_once) || step.has(Fault::chain_is_not_verified_and_header_read_once);
  if (!steady && !once) {
    unsettled(step);
    return true;
  }
  look.phase = LookPhase::header_read_again;
  look.seen.backfilled = log.index.backfilled;
  look.settled = log.index.max_frame == look.seen.max_frame && s.writer.active == 0 ? 1 : 0;
  return true;
}

void base_from_look(const Step& step) {
  Manager& m = step.s.manager;
  const Log& log = held_log(step.s);
  if (m.look.seen.max_frame == 0) {
    change(m.known, [](engine::Continuity& c) { c.captured.kind = engine::PositionKind::closed; });
    take(step, engine::Verdict::nothing_new, log, engine::LookMode::live);
    return looked(step, true, false);
  }
  if (m.look.chain_from_start == 0) return unsettled(step);
  if (take(step, engine::Verdict::append, log, engine::LookMode::live)) looked(step, true, true);
}

void carry_out(const Step& step, engine::Verdict verdict) {
  Manager& m = step.s.manager;
  const bool settled = m.look.settled != 0;
  const bool took = verdict != engine::Verdict::nothing_new && m.look.seen.max_frame > 0;
  if (take(step, verdict, held_log(step.s), engine::LookMode::live)) looked(step, settled, took);
}

bool judge(const Step& step) {
  Manager& m = step.s.manager;
  if (m.look.begins_base != 0) {
    base_from_look(step);
    return true;
  }
  const engine::Verdict verdict = verdict_of(step, m.life, engine::LookMode::live);
  const bool listens = engine::rests_on_events(verdict, static_cast<engine::PositionKind>(m.known.kind));
  if (!listens || step.has(Fault::verdict_without_listening)) {
    carry_out(step, verdict);
    return true;
  }
  if (hear_all(step)) {
    unsettled(step);
  } else if (m.known.kind == 0) {
    need_base(step);
  } else {
    m.look.phase = LookPhase::heard;
  }
  return true;
}

void finish_look(const Step& step) {
  Manager& m = step.s.manager;
  if (m.look.phase != LookPhase::header_read) return;
  walk(step, held_log(step.s));
  m.look.phase = LookPhase::frames_read;
  read_header_again(step);
  if (m.look.phase == LookPhase::header_read_again) judge(step);
}

}  // namespace

void follow_for_base(const Step& step) {
  const State& s = step.s;
  if (vouched(s, s.manager.life.pair.log)) return read_header(step);
  read_leftover(step);
}

bool apply_look(const Step& step, Action action) {
  State& s = step.s;
  Manager& m = s.manager;
  if (m.running == 0) return false;
  const LookPhase phase = m.look.phase;
  switch (action) {
    case Action::step:
      if (phase != LookPhase::none || !begin_step(step)) return false;
      if (step.world.atomic_looks) finish_look(step);
      return true;
    case Action::read_frames:
      if (phase != LookPhase::header_read) return false;
      walk(step, held_log(s));
      m.look.phase = LookPhase::frames_read;
      return true;
    case Action::read_header_again:
      return phase == LookPhase::frames_read && read_header_again(step);
    case Action::judge:
      return phase == LookPhase::header_read_again && judge(step);
    case Action::judge_again:
      if (phase != LookPhase::heard) return false;
      carry_out(step, verdict_of(step, m.life, engine::LookMode::live));
      return true;
    case Action::leftover_again:
      return phase == LookPhase::leftover_read && leftover_again(step);
    case Action::append_unvouched:
      return append_unvouched(step);
    case Action::pin:
      if (m.known.pinned != 0 || m.known.kind == 0 || !vouched(s, m.life.pair.log) || !step.spend(kPins)) return false;
      m.known.pinned = 1;
      return true;
    case Action::unpin:
      if (m.known.pinned == 0) return false;
      m.known.pinned = 0;
      return true;
    default:
      return false;
  }
}

}  // namespace model
