// Looks at a live log, final reads of deleted ones, and the start of a base.
#include <algorithm>
#include <array>
#include <utility>

#include "engine/log_tracker.h"
#include "os/file_lock.h"

namespace engine {

namespace {

using std::chrono::microseconds;

constexpr std::uint32_t kHotCommits = 100;
constexpr microseconds kPause{1000};
constexpr microseconds kHotPause{5000};
constexpr microseconds kKeepRetry{500};
// What lasts longer than this is not an application that is just starting or ending.
constexpr std::chrono::seconds kPassing{1};
constexpr std::uint32_t kGoneBack = 1U << 31U;  // as the difference of a counter that wraps
// An image may hold a log's generation for longer, unless the application's log grows because of that.
constexpr std::uint64_t kLongPinWalBytes = 64ULL << 20;

bool unlinked(const os::File& file) {
  const auto stat = file.stat();
  return stat && stat->links == 0;
}

}  // namespace

Verdict LogTracker::judge_look(const Look& look, const Life& life, LookMode mode) const {
  const bool unchanged = mode == LookMode::live && database_unchanged();
  return judge(known_.evidence(look, life.facts, mode, unchanged, deps_.clock->steady_now()));
}

void LogTracker::count(Verdict verdict, const Look& look) {
  Probe& probe = *deps_.probe;
  switch (verdict) {
    case Verdict::append:
      bump(probe.proofs_append);
      break;
    case Verdict::ledger:
      bump(probe.proofs_ledger);
      break;
    case Verdict::life:
      bump(probe.proofs_life);
      break;
    case Verdict::unchanged:
      bump(probe.proofs_unchanged);
      break;
    case Verdict::nothing_new:
    case Verdict::gap:
      return;
  }
  if (look.frames.frames == 0) return;
  bump(probe.captures);
  bump(probe.commits, look.frames.commits);
  bump(probe.frames, look.frames.frames);
}

// The file first: whoever writes to it and is not attached does so after this, as far as the look finds somebody
// attached at its end.
base::Result<Look> LogTracker::look(const Attachment& pair, LookMode mode) {
  bump(deps_.probe->looks);
  const base::UnixMillis now = deps_.clock->unix_now();
  const auto file = os::stat_path(database_);
  TRY_ASSIGN(Look look, look_at(pair, known_.captured, mode));
  if (file) look.database = take_fingerprint(*file, false, now);
  return look;
}

base::Result<TrackResult> LogTracker::take(Verdict verdict, const Look& look, const Attachment& pair, LookMode mode,
                                           PageSet& into) {
  if (verdict == Verdict::gap) return gap("the log went on unseen");
  TrackResult result;
  const wal::IndexHeader& header = look.header;
  if (verdict != Verdict::nothing_new && header.max_frame > 0) {
    into.truncate(look.frames.page_count);
    TRY(copy_pages(pair.wal, look.frames, into));
    if (look.frames.kept.empty() && mode != LookMode::final) {
      // The pages were read a second time: they are those that were verified only if no restart overwrote them.
      TRY_ASSIGN(const std::optional<wal::IndexHeader> now, read_index(pair.shm));
      const bool same = now && now->salts == header.salts && now->max_frame >= header.max_frame;
      if (!same || now->change_counter - header.change_counter > kGoneBack) {
        return gap("the log was restarted while it was copied");
      }
    }
    page_count_ = header.page_count;
    page_size_ = header.page_size;
    result.took_pages = true;
    result.commits = look.frames.commits;
    count(verdict, look);
  }
  known_.accept(verdict, look, mode, deps_.clock->steady_now());
  if (mode == LookMode::live) unattended_ = false;
  if (mode == LookMode::final || look.settled) return result;
  TrackResult again = unsettled();
  result.outcome = again.outcome;
  result.retry_after = again.retry_after;
  if (result.took_pages) {
    backoff_ = 0;
    result.retry_after = result.commits > kHotCommits ? kHotPause : kPause;
  }
  return result;
}

base::Result<TrackResult> LogTracker::finish_lives(PageSet& into) {
  TrackResult total;
  while (!ended_.empty()) {
    // Descriptors say whose life they are only once the stream was read up to the moment they were opened.
    if (!deps_.stream->wait_delivered(ended_.front().pair.mark)) return unsettled();
    deps_.drain_mailbox();  // delivered means: in the mailbox
    if (ended_.empty()) break;
    Life life = std::move(ended_.front());
    ended_.pop_front();
    bump(deps_.probe->lives);
    auto finished = finish_life(life, into);
    discard(life.pair);
    if (!finished) return base::fail(finished.error());
    if (finished->outcome == TrackOutcome::gap) return finished;
    total.commits += finished->commits;
    total.took_pages |= finished->took_pages;
  }
  return total;
}

base::Result<TrackResult> LogTracker::finish_life(Life& life, PageSet& into) {
  if (known_.captured.kind == PositionKind::none) return TrackResult{};
  const bool newest = ended_.empty() && !life_;
  const auto missed = [&](const char* why) -> base::Result<TrackResult> {
    if (newest && database_unchanged()) {
      known_.log_is_gone();
      return TrackResult{};
    }
    bump(deps_.probe->lives_missed);
    return gap(why);
  };
  if (life.facts.written_after && !database_unchanged()) return missed("the database file was written without a log");
  if (!life.pair.complete()) return missed("a log was over before it could be opened");
  if (!unlinked(life.pair.wal) || !unlinked(life.pair.shm)) return missed("a log was over before it could be opened");
  if (vouched(life.pair.shm)) return gap("the log was deleted under a running application");
  known_.begin_look();
  TRY_ASSIGN(const Look look, this->look(life.pair, LookMode::final));
  if (look.belief != IndexBelief::believed) return missed("the last index of a log cannot be read");
  // Whoever dies in a last close may have deleted the index and not the log, which then goes on with another index.
  if (look.goes_on) return missed("a log went on beyond its index");
  // A last close copies everything into the database file first. A log that was removed by hand did not.
  if (look.header.max_frame > 0 && look.header.backfilled < look.header.max_frame) {
    return gap("the log was deleted before it was checkpointed");
  }
  if (life.facts.written_after) return gap("the database file was written without a log");
  if (known_.doubtful() && life.facts.index_closes > 1)
    return gap("a process left just after a verdict that rests on its counter");
  TRY_ASSIGN(TrackResult result, take(judge_look(look, life, LookMode::final), look, life.pair, LookMode::final, into));
  if (result.outcome == TrackOutcome::gap) return result;
  known_.end_life();
  return result;
}

base::Result<TrackResult> LogTracker::follow_live_log(PageSet& into) {
  Attachment& pair = life_->pair;
  if (!pair.shm.is_open()) return follow_leftover(into);
  // Its deletion is on its way to us, the index going first, unless somebody removed a file by hand.
  if (unlinked(pair.wal) || unlinked(pair.shm)) {
    const base::SteadyTime now = deps_.clock->steady_now();
    if (!unlinked_since_) unlinked_since_ = now;
    if (drain_changed_the_life() || now - *unlinked_since_ < kPassing) return unsettled();
    return gap("the log's files were removed by hand");
  }
  unlinked_since_.reset();
  const LookMode mode = live_mode(pair.shm);
  if (mode == LookMode::live && vouched(pair.shm)) pin_.hold(pair.shm, deps_.clock->steady_now());
  known_.begin_look();
  TRY_ASSIGN(const Look look, this->look(pair, mode));
  if (look.belief == IndexBelief::not_vouched) {
    pin_.release();
    return follow_leftover(into);
  }
  if (look.belief == IndexBelief::unsteady) return unsettled();
  // Whoever is attached now laid the log over the file that he found.
  if (unattended_ && known_.captured.kind == PositionKind::log && !database_untouched()) {
    return gap("the database file was written or exchanged while nobody was attached");
  }
  if (look.wal_bytes < wal_bytes_) pin_.learn_truncation(deps_.clock->steady_now());
  wal_bytes_ = look.wal_bytes;
  if (wal_bytes_ > kLongPinWalBytes) pin_.allow_long(false);
  if (mode == LookMode::kept && !kept_->limit_bytes) kept_->limit_bytes = wal_bytes_ + kept_->growth_bytes;
  Verdict verdict = judge_look(look, *life_, LookMode::live);
  if (rests_on_events(verdict, known_.captured.kind, known_.captured.log.unproven)) {
    if (drain_changed_the_life()) return unsettled();
    if (known_.captured.kind == PositionKind::none) return gap(lost_because_);
    verdict = judge_look(look, *life_, LookMode::live);
  }
  TRY_ASSIGN(TrackResult result, take(verdict, look, life_->pair, LookMode::live, into));
  if (result.outcome == TrackOutcome::quiet) pin_.release();
  return result;
}

// A log without a vouched-for index: somebody is just opening or closing it, or holds the database exclusively, or
// nobody is there at all. Only the last may be read as it stands (nullopt).
std::optional<TrackResult> LogTracker::wait_for_leftover() {
  const base::SteadyTime now = deps_.clock->steady_now();
  const DatabaseLock lock = database_lock();
  if (lock != DatabaseLock::exclusive) exclusive_since_.reset();
  if (lock == DatabaseLock::exclusive) {
    if (!exclusive_since_) exclusive_since_ = now;
    if (now - *exclusive_since_ >= kPassing) {
      return TrackResult{TrackOutcome::blocked,
                         "held exclusively by its application (locking_mode=EXCLUSIVE)",
                         std::chrono::seconds(30),
                         false,
                         0,
                         false};
    }
  }
  if (lock != DatabaseLock::none || now - last_event_ < kPassing) return unsettled();
  return std::nullopt;
}

// Nobody seems to be attached, and yet the log is written: by an application that lost its locks (it opened and closed
// the file beside SQLite), or whose locks cannot be seen. What its index says was committed, and continues our chain,
// was committed; anything else has to wait.
base::Result<TrackResult> LogTracker::append_unvouched(TrackResult waiting, PageSet& into) {
  Attachment& pair = life_->pair;
  if (waiting.outcome != TrackOutcome::unsettled || known_.captured.kind != PositionKind::log || !pair.complete()) {
    return waiting;
  }
  known_.begin_look();
  TRY_ASSIGN(const Look look, this->look(pair, LookMode::unvouched));
  if (look.belief != IndexBelief::believed) return waiting;
  if (judge_look(look, *life_, LookMode::unvouched) != Verdict::append) return waiting;
  TRY_ASSIGN(TrackResult taken, take(Verdict::append, look, pair, LookMode::unvouched, into));
  taken.looked = false;
  return taken;
}

base::Result<TrackResult> LogTracker::follow_leftover(PageSet& into) {
  unattended_ = true;
  if (auto not_yet = wait_for_leftover()) return append_unvouched(std::move(*not_yet), into);
  // The next opener lays it over whatever file he finds.
  if (known_.captured.kind == PositionKind::log && !database_untouched()) {
    return gap("the database file was written or exchanged beside a log that was left behind");
  }
  return read_leftover(into);
}

// A log with nobody attached: what a recovery would accept is every valid commit in it.
base::Result<TrackResult> LogTracker::read_leftover(PageSet& into) {
  Attachment& pair = life_->pair;
  TRY_ASSIGN(const os::FileStat before, pair.wal.stat());
  TRY_ASSIGN(const std::optional<LogPosition> start, log_start(pair.wal));
  Position from = known_.captured;
  if (!start) {  // everything that was ever in it is in the database file
    if (database_unchanged()) return TrackResult{};
    return gap("an empty log was left behind");
  }
  const bool same = known_.captured.kind == PositionKind::log && known_.captured.log.salts == start->salts;
  if (same && known_.captured.log.unproven)
    return gap("a log with frames that a recovery does not take was left behind");
  if (same && known_.captured.log.frame > 0) {
    std::array<std::uint8_t, wal::kFrameHeaderBytes> raw{};
    TRY_ASSIGN(const std::size_t got,
               pair.wal.read_at(wal::frame_offset(known_.captured.log.frame, start->page_size), raw));
    const wal::FrameHeader last = wal::parse_frame_header(raw);
    if (got < raw.size() || !(last.checksum == known_.captured.log.checksum) || !(last.salts == start->salts)) {
      return gap("the log lost frames that had been captured");
    }
  } else if (same || database_unchanged()) {
    from = {PositionKind::log, *start};
  } else {
    return gap("a log was left behind that was not followed from its start");
  }
  TRY_ASSIGN(const CommittedFrames frames, read_committed(pair.wal, {from.log, kToLastValidCommit}));
  if (frames.page_count > 0) {
    into.truncate(frames.page_count);
    TRY(copy_pages(pair.wal, frames, into));
  }
  TRY_ASSIGN(const os::FileStat after, pair.wal.stat());
  if (!(before == after) || (pair.shm.is_open() && vouched(pair.shm)) || drain_changed_the_life()) {
    return gap("a log came to life while it was read");
  }
  const bool moved = frames.page_count > 0;
  if (moved) page_count_ = frames.page_count;
  page_size_ = start->page_size;
  known_.accept_leftover(frames.end, moved);
  return TrackResult{TrackOutcome::quiet, {}, microseconds(0), true, frames.commits, moved};
}

base::Result<TrackResult> LogTracker::begin_base(PageSet& into) {
  into.begin_pass();
  pin_.release();
  known_.forget();
  page_count_.reset();
  let_log_go_if_due();
  if (kept_) {
    kept_->keeper.take(database_);
    if (!kept_->keeper.complete()) {  // nobody is attached at this moment
      TrackResult again = unsettled();
      again.retry_after = std::min<microseconds>(again.retry_after, kKeepRetry);
      return again;
    }
  }
  if (!hear_all()) return unsettled();
  discard_lives();
  if (life_ && life_->pair.complete() && (unlinked(life_->pair.wal) || unlinked(life_->pair.shm))) {
    discard(life_->pair);
  }
  TRY_ASSIGN(const bool attached, attach_by_path());
  if (!attached) {
    if (drain_changed_the_life()) return unsettled();
    life_.reset();
    ++life_number_;
    known_.captured = {PositionKind::closed, {}};
    known_.all_backfilled = true;
    known_.verify_closed = false;
    return TrackResult{};
  }
  return base_from_live_log(into);
}

LookMode LogTracker::live_mode(const os::File& shm) const {
  return kept_ && kept_->keeper.vouches_for(shm) ? LookMode::kept : LookMode::live;
}

base::Result<TrackResult> LogTracker::base_from_live_log(PageSet& into) {
  Attachment& pair = life_->pair;
  TRY_ASSIGN(const os::FileStat wal_stat, pair.wal.stat());
  const bool empty_file = wal_stat.size_bytes < wal::kHeaderBytes;
  const LookMode mode = pair.shm.is_open() ? live_mode(pair.shm) : LookMode::live;
  if (mode == LookMode::live && (!pair.shm.is_open() || !vouched(pair.shm))) {
    if (auto not_yet = wait_for_leftover()) return *not_yet;
    TRY_ASSIGN(const std::optional<LogPosition> start, log_start(pair.wal));
    if (empty_file || !start) {
      known_.captured = {PositionKind::closed, {}};
      known_.all_backfilled = true;
      return TrackResult{};
    }
    known_.captured = {PositionKind::log, *start};
    return read_leftover(into);
  }
  TRY_ASSIGN(const Look look, this->look(pair, mode));
  if (look.belief != IndexBelief::believed) return unsettled();
  if (look.header.max_frame == 0) {
    known_.captured = {PositionKind::closed, {}};
    return take(Verdict::nothing_new, look, pair, LookMode::live, into);
  }
  if (!look.chain_from_start) return unsettled();
  return take(Verdict::append, look, pair, LookMode::live, into);
}

}  // namespace engine
