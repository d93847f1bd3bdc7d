// Bases (image or diff, engine/base_job.cpp), coming to rest, and the end and start of the manager (engine/client.cpp).
#include "actions.h"
#include "adapter.h"
#include "tracker.h"

namespace model {

namespace {

// engine::BaseJob::begin: two readings, then the position. The clock first: a stamp is old only by a reading of the
// clock from before it.
bool begin_base(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  m.gathered = {};
  lose_position(step);
  hear_all(step);
  m.ended = {};
  if (m.life.pair.log != 0 && s.logs[m.life.pair.log - 1U].file == LogFile::deleted) m.life.pair = {};
  if (attach_by_path(step)) {
    m.look.begins_base = 1;
    return true;
  }
  m.life = {};
  change(m.known, [](engine::Continuity& c) {
    c.captured.kind = engine::PositionKind::closed;
    c.all_backfilled = true;
    c.verify_closed = false;
  });
  claim(step, s.commits);
  return false;
}

void note_fingerprint(const Step& step) {
  Manager& m = step.s.manager;
  change(m.known, [&](engine::Continuity& c) {
    c.note_fingerprint(fingerprint_of(m.base_stat, c.all_backfilled, m.base_clock));
  });
}

bool read_page(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  if (m.look.phase != LookPhase::none) return false;
  int page = 0;
  if (m.base == BasePhase::next_page) {
    page = 1;
  } else if (m.base != BasePhase::reading) {
    return false;
  }
  const Byte value = page_of(s.database, page);
  const bool settles = page == 0 && s.stored.attempted > s.stored.acknowledged;
  if (!m.gathered.contains(page) && (value != page_of(s.stored.index, page) || settles)) m.gathered.put(page, value);
  m.base = page == 0 ? BasePhase::next_page : BasePhase::read;
  return true;
}

void overtaken(const Step& step) {
  Manager& m = step.s.manager;
  m.base = BasePhase::needed;
  m.base_saw_log = m.base_stat = m.base_stat_after = m.base_clock = 0;
  m.gathered = {};
}

bool finish_base(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool unmoved = s.database_time == m.base_stat;
  if (m.base_saw_log == 0 && !unmoved) {
    overtaken(step);
    return true;
  }
  if (step.has(Fault::stamps_are_taken_after_the_proof)) {
    m.base_stat_after = s.database_time;
    m.base_clock = s.now;
  }
  const engine::Fingerprint found = fingerprint_of(m.base_stat_after, m.known.all_backfilled != 0, m.base_clock);
  change(m.known, [&](engine::Continuity& c) { c.note_fingerprint(found); });
  m.base = BasePhase::none;
  m.base_saw_log = m.base_stat = m.base_stat_after = m.base_clock = 0;
  m.base_done = 1;
  ++step.findings.proofs[kBase];
  claim(step, m.known.claim);
  return true;
}

// A reading of the file's stamps and one of the clock, in the engine's order: clock first.
bool stamp(const Step& step, bool first, Byte& stat, Byte& clock) {
  const bool clock_now = first != step.has(Fault::clock_is_read_after_the_stamps);
  if (clock_now) {
    clock = step.s.now;
  } else {
    stat = step.s.database_time;
  }
  return true;
}

bool at_rest(const State& s) {
  const Manager& m = s.manager;
  return m.base == BasePhase::none && m.base_done == 0 && m.upload == Upload::idle && m.gathered.mask == 0 &&
         m.look.phase == LookPhase::none && m.rest == RestPhase::none && m.known.kind != 0;
}

// client.cpp, rest_closed_or_cold: what was captured is stored; descriptors go.
void finish_rest(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool backfilled = m.known.all_backfilled != 0 || step.has(Fault::fingerprint_of_an_unbackfilled_log);
  engine::Fingerprint found = fingerprint_of(m.rest_stat, backfilled, m.rest_clock);
  if (step.has(Fault::young_stamps_count)) found.complete = backfilled;
  m.known.pinned = 0;
  const Knowledge before = m.known;
  change(m.known, [&](engine::Continuity& c) { c.go_cold(found); });
  if (step.has(Fault::ledger_survives_the_cold)) {
    m.known.ledger_valid = before.ledger_valid;
    m.known.counter = before.counter;
  }
  m.life.pair = {};
  m.rest = RestPhase::none;
  m.rest_stat = m.rest_clock = 0;
  s.stored.position = m.known;
}

bool kill_manager(const Step& step) {
  State& s = step.s;
  if (!step.spend(kManagerKills)) return false;
  s.manager = {};
  s.events = {};
  return true;
}

bool start_manager(const Step& step) {
  State& s = step.s;
  if (s.manager.running != 0) return false;
  Manager& m = s.manager;
  m.running = 1;
  const engine::Continuity then = to_engine(s.stored.position);
  change(m.known, [&](engine::Continuity& c) { c.resume(then.captured, then.fingerprint); });
  if (step.has(Fault::events_of_the_downtime_are_not_missed)) m.known.verify_closed = 0;
  m.known.claim = s.stored.position.claim;
  const bool unsettled_upload = s.stored.attempted > s.stored.acknowledged;
  if (unsettled_upload && !step.has(Fault::unanswered_upload_is_forgotten)) need_base(step);
  return true;
}

bool base_actions(const Step& step, Action action) {
  Manager& m = step.s.manager;
  switch (action) {
    case Action::base_first_stamp:
      if (m.base != BasePhase::needed || m.upload != Upload::idle) return false;
      m.base = BasePhase::first_stamp;
      return stamp(step, true, m.base_stat, m.base_clock);
    case Action::base_second_stamp:
      if (m.base != BasePhase::first_stamp) return false;
      m.base = BasePhase::second_stamp;
      return stamp(step, false, m.base_stat, m.base_clock);
    case Action::read_page:
      return read_page(step);
    case Action::base_last_stamp:
      if (m.base == BasePhase::read) {
        m.base = BasePhase::last_stamp;
        return stamp(step, true, m.base_stat_after, m.base_clock);
      }
      if (m.base != BasePhase::last_stamp) return false;
      m.base = BasePhase::stamped;
      return stamp(step, false, m.base_stat_after, m.base_clock);
    case Action::finish_base:
      return m.base == BasePhase::proven && finish_base(step);
    case Action::forced_base:
      if (!at_rest(step.s) || !step.spend(kBases)) return false;
      need_base(step);
      return true;
    default:
      return false;
  }
}

}  // namespace

void looked(const Step& step, bool quiet, bool took_pages) {
  Manager& m = step.s.manager;
  // What was said while a death was not known of has to be right, or in doubt, once it is.
  if (step.world.late_deaths && stream_mark(step.s) == 0 && m.known.doubt == 0) claim(step, m.known.claim);
  took_pages = took_pages || m.step_took_pages != 0;
  m.step_took_pages = 0;
  const bool log_open = m.life.present != 0 || m.ended[0].present != 0;
  if (log_open || took_pages) m.base_saw_log = m.base == BasePhase::none ? 0 : 1;
  m.look = {};
  if (m.base == BasePhase::second_stamp) {
    note_fingerprint(step);
    m.base = BasePhase::reading;
  } else if (m.base == BasePhase::stamped) {
    m.base = BasePhase::proven;
  }
  if (m.rest != RestPhase::looking) return;
  if (quiet && !took_pages) return finish_rest(step);
  m.rest = RestPhase::none;
  m.rest_stat = m.rest_clock = 0;
}

bool apply_base(const Step& step, Action action) {
  State& s = step.s;
  Manager& m = s.manager;
  if (action == Action::start_manager) return start_manager(step);
  if (m.running == 0) return false;
  switch (action) {
    case Action::kill_manager:
      return kill_manager(step);
    case Action::begin_base:
      if (m.base != BasePhase::second_stamp || m.look.phase != LookPhase::none) return false;
      if (!begin_base(step)) {
        looked(step, true, false);
      } else {
        follow_for_base(step);
      }
      return true;
    case Action::rest_first_stamp:
      if (!at_rest(s) || !step.spend(kRests)) return false;
      m.rest = RestPhase::first_stamp;
      return stamp(step, true, m.rest_stat, m.rest_clock);
    case Action::rest_second_stamp:
      if (m.rest != RestPhase::first_stamp) return false;
      m.rest = RestPhase::second_stamp;
      return stamp(step, false, m.rest_stat, m.rest_clock);
    case Action::rest_listen:
      if (m.rest != RestPhase::second_stamp) return false;
      m.rest = RestPhase::looking;
      if (s.events[0].kind == EventKind::none) return true;
      hear_all(step);
      if (m.rest == RestPhase::looking) m.rest = RestPhase::none;
      m.rest_stat = m.rest_clock = 0;
      return true;
    default:
      return base_actions(step, action);
  }
}

}  // namespace model
