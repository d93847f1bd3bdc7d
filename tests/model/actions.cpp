#include "actions.h"

#include "adapter.h"
#include "log.h"

namespace model {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Action::count)> kNames{
    "an application opens the database",
    "an application closes it",
    "an application is killed",
    "the writer is killed",
    "the writer dies inside the header update",
    "the CLOSE_WRITE of a dead process",
    "the writer appends page 0 and commits",
    "the writer appends page 1 and commits",
    "the writer appends page 0 with its first content and commits",
    "the writer spills page 1",
    "the commit is published in the index",
    "the commit fails after its frame was written",
    "the writer rolls back",
    "checkpoint of everything",
    "checkpoint of one commit",
    "checkpoint gets as far as one page",
    "the log is restarted",
    "checkpoint TRUNCATE",
    "the index is rebuilt in place",
    "a connection draws new salts",
    "the clock ticks",
    "the watcher reads an event",
    "events are lost",
    "sweep",
    "engine: step",
    "engine: reads the frames",
    "engine: reads the header again",
    "engine: judges",
    "engine: judges after listening",
    "engine: checks the leftover log again",
    "engine: takes what an unvouched index says continues its log",
    "engine: pins the log",
    "engine: lets the pin go",
    "engine: base, first stamp",
    "engine: base, second stamp",
    "engine: base begins",
    "engine: base reads a page",
    "engine: base, last stamps",
    "engine: base ends",
    "engine: rests, first stamp",
    "engine: rests, second stamp",
    "engine: rests, listens",
    "engine: object built, upload starts",
    "store: PUT answered",
    "store: PUT stored, answer lost",
    "store: PUT fails",
    "store: PUT delayed",
    "store: delayed PUT arrives",
    "engine: captures dropped for want of memory",
    "the manager is killed",
    "the manager starts",
    "engine: somebody asks for a base",
};

// A client without anything to capture, make or upload is shown as stored up to where its position is.
void check_what_is_reported(const Step& step) {
  const State& s = step.s;
  const Manager& m = s.manager;
  const bool all_stored = m.running != 0 && m.known.kind != 0 && m.base == BasePhase::none && m.base_done == 0 &&
                          m.gathered.mask == 0 && m.upload == Upload::idle;
  if (!all_stored ||
      (step.world.late_deaths && (death_is_on_its_way(s) || m.known.doubt != 0 || m.look.phase != LookPhase::none)))
    return;
  if (s.stored.bucket != s.history[m.known.claim])
    step.findings.violate("shown as stored, and the bucket has another state");
}

}  // namespace

std::string_view name_of(Action action) {
  return kNames.at(static_cast<std::size_t>(action));
}

bool apply(const Step& step, Action action) {
  const bool applied = apply_application(step, action) || apply_events(step, action) || apply_look(step, action) ||
                       apply_base(step, action) || apply_upload(step, action);
  if (!applied) return false;
  tidy(step.s);
  check_what_is_reported(step);
  return true;
}

State first_state(const World& world) {
  State s;
  s.database = s.history[0] = 0x11;
  s.fresh = 2;
  s.stored.index = s.stored.bucket = s.database;
  s.stored.acknowledged = s.stored.newest = s.stored.attempted = 1;
  Manager& m = s.manager;
  m.running = 1;
  m.known.kind = static_cast<Byte>(engine::PositionKind::closed);
  if (world.start == Start::live) {
    s.apps = 1;
    s.current = 1;
    s.last_generation = 1;
    Log& log = s.logs[0];
    log.file = LogFile::at_path;
    log.header_generation = 1;
    Frame& frame = log.frames[0];
    frame = {1, 0, 1, 1, 0};
    frame.chain = chain_after(chain_seed(1), frame);
    log.index = {1, 1, 0, world.change_counter, 0};
    m.life.present = 1;
    m.life.pair.log = 1;
    m.known.kind = static_cast<Byte>(engine::PositionKind::log);
    m.known.generation = m.known.frame = 1;
    m.known.checksum = frame.chain;
    m.known.ledger_valid = 1;
    m.known.counter = world.change_counter;
  }
  if (world.start == Start::asleep) {
    s.now = 1;
    m.known.fingerprint_complete = m.known.all_backfilled = 1;
  }
  s.stored.position = m.known;
  return s;
}

}  // namespace model
