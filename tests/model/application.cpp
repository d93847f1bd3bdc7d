// SQLite's side: applications, their log and its index. From SQLite's wal.c; what is left out is in README.md.
#include "actions.h"
#include "log.h"

namespace model {

namespace {

bool add_commit(State& s, Content content) {
  if (s.commits + 1 >= kHistory) return false;
  s.history[++s.commits] = content;
  if (s.manager.known.commits_since < 15) ++s.manager.known.commits_since;
  return true;
}

// What recovery accepts is committed, be it published or not: every valid commit in the file.
void commit_what_recovery_accepts(State& s) {
  if (s.current == 0) return;
  const Log& log = log_at_path(s);
  const Content content = content_after(s.database, log, valid_frames(log));
  if (content != s.history[s.commits]) add_commit(s, content);
}

void rebuild_index(State& s) {
  Log& log = log_at_path(s);
  log.index = {};
  log.index.generation = log.header_generation;
  log.index.max_frame = valid_frames(log);
}

bool can_write(const State& s) {
  return s.apps > 0 && s.writer.active == 0 && log_at_path(s).index.torn == 0;
}

bool append(const Step& step, int page, Byte value, Byte commit) {
  State& s = step.s;
  if (s.apps == 0 || log_at_path(s).index.torn != 0 || s.writer.committed != 0) return false;
  if (!step.may(kCommits) || s.commits + 1 >= kHistory) return false;
  Log& log = log_at_path(s);
  const int at = log.index.max_frame + s.writer.frames;
  if (at >= kFrames || (commit == 0 && !step.spend(kSpills))) return false;
  if (s.writer.active == 0) {
    s.writer.active = 1;
    s.writer.generation = log.index.generation;
    if (s.writer.generation == 0) s.writer.generation = ++s.last_generation;
  }
  if (at == 0) log.header_generation = s.writer.generation;
  Frame& frame = log.frames[static_cast<std::size_t>(at)];
  frame = {s.writer.generation, static_cast<Byte>(page), value, commit, 0};
  frame.chain =
      chain_after(at == 0 ? chain_seed(frame.generation) : log.frames[static_cast<std::size_t>(at - 1)].chain, frame);
  ++s.writer.frames;
  s.writer.committed = commit;
  if (commit != 0) ++s.used[kCommits];
  if (value == s.fresh) ++s.fresh;
  return true;
}

// The writer's transaction becomes visible.
bool publish(State& s) {
  if (s.writer.committed == 0) return false;
  Log& log = log_at_path(s);
  Content content = s.history[s.commits];
  for (int i = log.index.max_frame; i < log.index.max_frame + s.writer.frames; ++i) {
    const Frame& frame = log.frames[static_cast<std::size_t>(i)];
    content = with_page(content, frame.page, frame.value);
  }
  if (!add_commit(s, content)) return false;
  log.index.generation = s.writer.generation;
  log.index.max_frame = static_cast<Byte>(log.index.max_frame + s.writer.frames);
  ++log.index.counter;
  s.writer = {};
  return true;
}

bool open(const Step& step) {
  State& s = step.s;
  if (s.apps >= step.world.applications || !step.may(kOpens)) return false;
  if (s.current == 0) {
    const int slot = free_slot(s);
    if (slot < 0 || !emit(s, EventKind::created)) return false;
    s.logs[static_cast<std::size_t>(slot)].file = LogFile::at_path;
    s.current = static_cast<Byte>(slot + 1);
  } else if (s.apps == 0 || log_at_path(s).index.torn != 0) {
    if (s.apps > 0) commit_what_recovery_accepts(s);
    rebuild_index(s);
  }
  ++s.used[kOpens];
  ++s.apps;
  return true;
}

void backfill(State& s, int to) {
  Log& log = log_at_path(s);
  for (int i = log.index.backfilled; i < to; ++i) {
    const Frame& frame = log.frames[static_cast<std::size_t>(i)];
    s.database = with_page(s.database, frame.page, frame.value);
  }
  if (to > log.index.backfilled) s.database_time = s.now;
  log.index.backfilled = static_cast<Byte>(to);
}

bool close(const Step& step) {
  State& s = step.s;
  const bool writing_alone = s.writer.active != 0 && s.apps == 1;
  if (s.apps == 0 || writing_alone || log_at_path(s).index.torn != 0 || !step.may(kCloses)) return false;
  if (!room_for_events(s, s.apps == 1 ? 2 : 1)) return false;
  ++s.used[kCloses];
  emit(s, EventKind::closed);
  if (--s.apps > 0) return true;
  Log& log = log_at_path(s);
  backfill(s, log.index.max_frame);
  log.file = LogFile::deleted;
  log.commits_at_end = s.commits;
  s.current = 0;
  emit(s, EventKind::deleted);
  return true;
}

bool note_death(const Step& step) {
  if (step.world.late_deaths) {
    ++step.s.dying;
    return true;
  }
  return emit(step.s, EventKind::closed_by_death);
}

bool kill(const Step& step, bool writer) {
  State& s = step.s;
  const bool there = writer ? s.writer.active != 0 : s.apps > (s.writer.active != 0 ? 1 : 0);
  if (!there || !step.spend(kKills) || !note_death(step)) return false;
  if (writer) s.writer = {};
  if (--s.apps == 0) commit_what_recovery_accepts(s);
  return true;
}

// Between the two copies of the index header: nobody can use the index until it is rebuilt from the log.
bool die_in_header(const Step& step) {
  State& s = step.s;
  if (s.writer.committed == 0 || !step.spend(kTorn) || !note_death(step)) return false;
  log_at_path(s).index.torn = 1;
  s.writer = {};
  if (--s.apps == 0) commit_what_recovery_accepts(s);
  return true;
}

bool checkpoint_one_commit(const Step& step) {
  State& s = step.s;
  const Log& log = log_at_path(s);
  int to = log.index.backfilled + 1;
  while (to < log.index.max_frame && log.frames[static_cast<std::size_t>(to - 1)].commit == 0) ++to;
  if (to >= log.index.max_frame || !step.spend(kPartials)) return false;
  backfill(s, to);
  return true;
}

// A checkpoint that ends (or is looked at) after its first page: the index does not tell of it.
bool checkpoint_one_page(const Step& step) {
  State& s = step.s;
  const Log& log = log_at_path(s);
  if (log.index.backfilled == log.index.max_frame || !step.spend(kHalfCheckpoints)) return false;
  const Content content = content_after(s.database, log, log.index.max_frame);
  const int page = log.frames[log.index.max_frame - 1U].page;
  s.database = with_page(s.database, page, page_of(content, page));
  s.database_time = s.now;
  return true;
}

// The next writer starts over, or a RESTART checkpoint does: readers and pins on the log keep it from that.
bool restart(const Step& step, bool truncate) {
  State& s = step.s;
  if (!can_write(s) || s.manager.known.pinned != 0) return false;
  Log& log = log_at_path(s);
  if (log.index.max_frame == 0 || (!truncate && log.index.backfilled != log.index.max_frame)) return false;
  if (!step.spend(kRestarts)) return false;
  backfill(s, log.index.max_frame);
  const Byte counter = log.index.counter;
  log.index = {++s.last_generation, 0, 0, counter, 0};
  if (truncate) {
    log.header_generation = 0;
    log.frames = {};
  }
  return true;
}

bool recover_in_place(State& s) {
  if (log_at_path(s).index.torn == 0) return false;
  commit_what_recovery_accepts(s);
  rebuild_index(s);
  return true;
}

bool draw_salts(const Step& step) {
  State& s = step.s;
  if (!step.world.random_salts || !can_write(s)) return false;
  Log& log = log_at_path(s);
  if (log.index.max_frame != 0 || log.index.generation == 0 || !step.spend(kRestarts)) return false;
  log.index.generation = ++s.last_generation;
  return true;
}

bool death_is_seen(State& s) {
  if (s.dying == 0 || (s.manager.running != 0 && !emit(s, EventKind::closed_by_death))) return false;
  --s.dying;
  return true;
}

}  // namespace

bool apply_application(const Step& step, Action action) {
  State& s = step.s;
  switch (action) {
    case Action::open:
      return open(step);
    case Action::death_is_seen:
      return death_is_seen(s);
    case Action::tick:
      if (!step.spend(kTicks)) return false;
      ++s.now;
      return true;
    default:
      break;
  }
  if (s.apps == 0) return false;
  switch (action) {
    case Action::close:
      return close(step);
    case Action::kill:
      return kill(step, false);
    case Action::kill_writer:
      return kill(step, true);
    case Action::die_in_header:
      return die_in_header(step);
    case Action::append_page_0:
      return (!step.world.pages_in_turn || s.fresh % 2 == 0) && append(step, 0, s.fresh, 1);
    case Action::append_page_1:
      return (!step.world.pages_in_turn || s.fresh % 2 != 0) && append(step, 1, s.fresh, 1);
    case Action::append_old_value:
      return step.world.old_values && append(step, 0, 1, 1);
    case Action::spill:
      return append(step, 1, s.fresh, 0);
    case Action::publish:
      return publish(s);
    case Action::ghost:
      if (s.writer.committed == 0 || !step.spend(kGhosts)) return false;
      s.writer = {};
      return true;
    case Action::roll_back:
      if (s.writer.active == 0 || s.writer.committed != 0 || !step.spend(kRollbacks)) return false;
      s.writer = {};
      return true;
    case Action::checkpoint:
      if (log_at_path(s).index.torn != 0 || log_at_path(s).index.backfilled == log_at_path(s).index.max_frame) {
        return false;
      }
      backfill(s, log_at_path(s).index.max_frame);
      return true;
    case Action::checkpoint_one_commit:
      return log_at_path(s).index.torn == 0 && checkpoint_one_commit(step);
    case Action::checkpoint_one_page:
      return log_at_path(s).index.torn == 0 && checkpoint_one_page(step);
    case Action::restart:
      return restart(step, false);
    case Action::truncate:
      return restart(step, true);
    case Action::recover_in_place:
      return recover_in_place(s);
    case Action::draw_salts:
      return draw_salts(step);
    default:
      return false;
  }
}

}  // namespace model
