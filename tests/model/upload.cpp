// Objects on their way into the bucket, and the bucket (engine/uploader.cpp, engine/object_builder.cpp). Each landing
// is checked: what a restore gives from then on must be the very commit that the object claims.
#include <algorithm>

#include "actions.h"
#include "adapter.h"
#include "tracker.h"

namespace model {

namespace {

void land(const Step& step, const Object& object) {
  State& s = step.s;
  s.stored.bucket = object.pages.over(s.stored.bucket);
  ++s.stored.newest;
  s.stored.newest_pages = object.pages;
  const bool in_doubt = step.world.late_deaths && death_is_on_its_way(s);
  if (s.stored.bucket != s.history[object.claim] && !in_doubt) {
    bool ever = false;
    for (int i = 0; i <= s.commits; ++i) ever = ever || s.history[static_cast<std::size_t>(i)] == s.stored.bucket;
    step.findings.violate(ever ? "the bucket restores to another commit than the object claims"
                               : "the bucket restores to a state that was never committed");
  }
  if (object.claim < s.stored.bucket_claim) step.findings.violate("the bucket goes back in time");
  s.stored.bucket_claim = object.claim;
}

void acknowledge(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  s.stored.index = m.frozen.pages.over(s.stored.index);
  ++s.stored.acknowledged;
  s.stored.position = m.frozen_position;
  m.frozen = {};
  m.frozen_position = {};
  m.upload = Upload::idle;
  if (s.stored.index != s.stored.bucket) step.findings.violate("the page index is not that of the bucket");
  // "Never older than what was reported as stored": what is acknowledged from here on.
  const bool in_doubt = step.world.late_deaths && death_is_on_its_way(s);
  const bool stored = s.stored.bucket == s.history[s.stored.position.claim];
  if (!stored && !in_doubt) step.findings.violate("reported as stored, but it is not");
  s.stored.bucket_claim = std::max(s.stored.bucket_claim, s.stored.position.claim);
}

// Another object of ours stands at the TXID: it is adopted, captures on top of the older state are void.
void adopt(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  s.stored.index = s.stored.newest_pages.over(s.stored.index);
  s.stored.acknowledged = s.stored.newest;
  s.stored.position = {};
  m.frozen = {};
  m.frozen_position = {};
  m.upload = Upload::idle;
  if (s.stored.index != s.stored.bucket) step.findings.violate("the page index is not that of the bucket");
  need_base(step);
}

Knowledge acknowledged_position(const Knowledge& known) {
  Knowledge position;
  position.kind = known.kind;
  position.generation = known.generation;
  position.frame = known.frame;
  position.checksum = known.checksum;
  position.claim = known.claim;
  return position;
}

bool start_upload(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool captured = m.gathered.mask != 0 || m.base_done != 0;
  if (m.upload != Upload::idle || m.base != BasePhase::none || !captured || m.look.phase != LookPhase::none ||
      m.rest != RestPhase::none) {
    return false;
  }
  Pages changed;
  for (int page = 0; page < kPages; ++page) {
    const Byte value = page_of(m.gathered.content, page);
    if (m.gathered.contains(page) && value != page_of(s.stored.index, page)) changed.put(page, value);
  }
  const bool must_store =
      s.stored.attempted > s.stored.acknowledged && !step.has(Fault::unanswered_upload_is_forgotten);
  if (changed.mask == 0 && must_store && !m.gathered.contains(0)) {
    need_base(step);
    return true;
  }
  if (changed.mask == 0 && must_store) changed.put(0, page_of(s.stored.index, 0));
  m.gathered = {};
  m.base_done = 0;
  if (changed.mask == 0) return true;
  m.frozen = {1, m.known.claim, changed};
  m.frozen_position = acknowledged_position(m.known);
  s.stored.attempted = static_cast<Byte>(s.stored.acknowledged + 1);
  if (step.has(Fault::position_is_stored_before_the_answer)) s.stored.position = m.frozen_position;
  m.upload = Upload::running;
  if (!step.world.store_answers) {
    land(step, m.frozen);
    acknowledge(step);
  }
  return true;
}

// The conditional PUT of the frozen object reaches the store and is answered.
void answered(const Step& step) {
  State& s = step.s;
  Manager& m = s.manager;
  if (s.stored.newest == s.stored.acknowledged) {
    land(step, m.frozen);
    return acknowledge(step);
  }
  const Pages& found = s.stored.newest_pages;
  const bool same = found.mask == m.frozen.pages.mask && found.content == m.frozen.pages.content;
  if (same || step.has(Fault::any_object_at_the_txid_is_ours)) return acknowledge(step);
  adopt(step);
}

bool delayed_arrives(const Step& step) {
  Stored& stored = step.s.stored;
  if (stored.in_flight.present == 0) return false;
  const Object object = stored.in_flight;
  const bool name_is_free = stored.newest + 1 == stored.in_flight_txid;
  stored.in_flight = {};
  stored.in_flight_txid = 0;
  if (name_is_free) land(step, object);
  return true;
}

bool goes_wrong(const Step& step, Action action) {
  State& s = step.s;
  Manager& m = s.manager;
  const bool taken = s.stored.newest != s.stored.acknowledged;
  switch (action) {
    case Action::answer_lost:
      if (taken || !step.spend(kLostAnswers)) return false;
      land(step, m.frozen);
      break;
    case Action::upload_fails:
      if (m.upload == Upload::waiting || !step.spend(kFailures)) return false;
      break;
    case Action::upload_delayed:
      if (s.stored.in_flight.present != 0 || !step.spend(kDelays)) return false;
      s.stored.in_flight = m.frozen;
      s.stored.in_flight_txid = static_cast<Byte>(s.stored.acknowledged + 1);
      break;
    default:
      return false;
  }
  m.upload = Upload::waiting;
  return true;
}

// No memory left while the store is away.
bool drop_captures(const Step& step) {
  Manager& m = step.s.manager;
  if (m.upload != Upload::waiting || m.gathered.mask == 0 || !step.spend(kDrops)) return false;
  if (step.has(Fault::dropped_captures_are_not_missed)) {
    m.gathered = {};
    return true;
  }
  if (step.has(Fault::frozen_object_is_dropped_too)) {
    m.frozen = {};
    m.frozen_position = {};
    m.upload = Upload::idle;
  }
  need_base(step);
  return true;
}

}  // namespace

bool apply_upload(const Step& step, Action action) {
  State& s = step.s;
  if (action == Action::delayed_arrives) return delayed_arrives(step);
  if (s.manager.running == 0) return false;
  if (action == Action::start_upload) return start_upload(step);
  if (s.manager.upload == Upload::idle || s.manager.look.phase != LookPhase::none) return false;
  switch (action) {
    case Action::stored:
      answered(step);
      return true;
    case Action::drop_captures:
      return drop_captures(step);
    default:
      return goes_wrong(step, action);
  }
}

}  // namespace model
