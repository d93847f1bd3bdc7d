// The watcher's thread and what its events do to the engine (LogTracker::on_event).
#include <algorithm>

#include "actions.h"
#include "adapter.h"
#include "tracker.h"

namespace model {

namespace {

void end_life(const Step& step, const Life& life) {
  Manager& m = step.s.manager;
  for (Life& slot : m.ended) {
    if (slot.present != 0) continue;
    slot = life;
    slot.present = 1;
    return;
  }
  lose_position(step);  // they came and went faster than they could be read
}

void discard_ended(Manager& m) {
  m.ended = {};
}

void log_created(const Step& step, const Event& event) {
  Manager& m = step.s.manager;
  m.known.pinned = 0;
  const bool earlier = 1 <= m.life.pair.mark_before;
  if (m.life.present != 0 && m.life.start_seen == 0 && m.life.pair.log != 0 && earlier) {
    m.life.start_seen = 1;
    m.life.index_closes = 0;
    return;
  }
  if (m.life.present != 0) end_life(step, m.life);
  Life life;
  life.present = life.start_seen = 1;
  if (m.known.kind == 0) {
    discard_ended(m);
    m.life = life;
    return;
  }
  Pair opened = event.opened;
  const auto inherit = [&](Pair& pair) {
    const bool whose_is_known = !step.has(Fault::any_descriptor_is_inherited);
    if (pair.log == 0 || (whose_is_known && pair.mark < 1)) return;
    if (whose_is_known && pair.mark_before < 1) {
      pair = {};
      return;
    }
    if (life.pair.log == 0) {
      life.pair = pair;
    } else if (step.has(Fault::second_descriptors_stay_with_an_earlier_life)) {
      return;
    }
    pair = {};
  };
  inherit(opened);
  for (Life& ended : m.ended) inherit(ended.pair);
  m.life = life;
}

void log_deleted(const Step& step) {
  Manager& m = step.s.manager;
  m.known.pinned = 0;
  Life life = m.life;
  m.life = {};
  end_life(step, life);
  if (m.known.kind == 0) discard_ended(m);
}

void index_closed(const Step& step, bool by_death) {
  Manager& m = step.s.manager;
  if (step.has(Fault::closes_are_not_counted)) return;
  // An application that simply ends long after a verdict casts no doubt on it.
  const base::SteadyTime now = by_death ? engine_now(m.known) : much_later();
  change(m.known, [&](engine::Continuity& c) { c.index_closed(now); });
  if (step.has(Fault::no_doubt)) m.known.doubt = 0;
  if (m.life.present != 0) m.life.index_closes = std::min<Byte>(3, static_cast<Byte>(m.life.index_closes + 1));
}

void less(Byte& mark) {
  if (mark > 0) --mark;
}

// Positions count from the last event that was delivered.
void move_marks(State& s) {
  const auto move = [](Pair& pair) {
    less(pair.mark_before);
    less(pair.mark);
  };
  move(s.manager.life.pair);
  for (Life& life : s.manager.ended) move(life.pair);
  for (Event& event : s.events) move(event.opened);
}

void deliver_first(const Step& step) {
  State& s = step.s;
  const Event event = s.events[0];
  std::copy(s.events.begin() + 1, s.events.end(), s.events.begin());
  s.events.back() = {};
  on_event(step, event);
  move_marks(s);
}

bool watch_next(State& s) {
  const Byte happened = stream_mark(s);
  for (Byte i = 0; i < happened; ++i) {
    Event& event = s.events[i];
    if (event.watched != 0) continue;
    event.watched = 1;
    if (event.kind == EventKind::created && s.current != 0) event.opened = {s.current, happened, happened};
    return true;
  }
  return false;
}

bool lose_events(const Step& step) {
  State& s = step.s;
  const Byte happened = stream_mark(s);
  Byte kept = 0;
  while (kept < happened && s.events[kept].watched != 0) ++kept;
  if (kept == happened || !step.spend(kOverflows)) return false;
  for (Byte i = kept; i < happened; ++i) s.events[i] = {};
  s.events[kept].kind = EventKind::lost;
  return true;
}

}  // namespace

void on_event(const Step& step, const Event& event) {
  Manager& m = step.s.manager;
  switch (event.kind) {
    case EventKind::none:
      return;
    case EventKind::created:
      return log_created(step, event);
    case EventKind::deleted:
      return log_deleted(step);
    case EventKind::closed:
      return index_closed(step, false);
    case EventKind::closed_by_death:
      return index_closed(step, true);
    case EventKind::lost:
      if (step.has(Fault::lost_events_are_ignored)) return;
      change(m.known, [](engine::Continuity& c) { c.events_lost(); });
      if (m.life.present != 0) m.life.events_lost = 1;
      for (Life& life : m.ended) {
        if (life.present != 0) life.events_lost = 1;
      }
      return;
    case EventKind::checked:
      m.known.verify_closed = 1;
      return;
  }
}

bool drain(const Step& step) {
  bool any = false;
  while (step.s.events[0].kind != EventKind::none && step.s.events[0].watched != 0) {
    deliver_first(step);
    any = true;
  }
  return any;
}

bool hear_all(const Step& step) {
  State& s = step.s;
  bool changed = false;
  while (watch_next(s)) {
  }
  while (s.events[0].kind != EventKind::none) {
    changed = changed || s.events[0].kind == EventKind::created || s.events[0].kind == EventKind::deleted;
    deliver_first(step);
  }
  return changed || s.manager.ended[0].present != 0;
}

bool apply_events(const Step& step, Action action) {
  State& s = step.s;
  if (s.manager.running == 0) return false;
  switch (action) {
    case Action::watch:
      return watch_next(s);
    case Action::lose_events:
      return lose_events(step);
    case Action::sweep:
      return room_for_events(s, 1) && step.spend(kSweeps) && emit(s, EventKind::checked);
    default:
      return false;
  }
}

}  // namespace model
