#include "engine/log_tracker.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "os/file_lock.h"

namespace engine {

namespace {

using std::chrono::microseconds;

// A commit becomes visible a moment after its last write is announced (with synchronous=FULL a whole fsync later).
constexpr std::array<microseconds, 11> kSettle{microseconds(100),     microseconds(200),      microseconds(500),
                                               microseconds(1000),    microseconds(2000),     microseconds(5000),
                                               microseconds(10'000),  microseconds(20'000),   microseconds(50'000),
                                               microseconds(100'000), microseconds(1'000'000)};
constexpr std::size_t kLivesKept = 64;
constexpr std::chrono::milliseconds kKeepTry{500};

}  // namespace

LogTracker::LogTracker(const std::filesystem::path& database, LogTrackerDeps deps)
    : database_(database.string()), deps_(std::move(deps)), pin_(deps_.probe) {}

LogTracker::~LogTracker() {
  pin_.release();
  if (life_) discard(life_->pair);
  for (Life& life : ended_) discard(life.pair);
}

void LogTracker::resume(const Position& position, const Fingerprint& fingerprint) {
  known_.resume(position, fingerprint);
  if (position.kind == PositionKind::log) page_size_ = position.log.page_size;
  unattended_ = true;
}

void LogTracker::move_to(const std::filesystem::path& database) {
  detach("the database is at another path");
  life_.reset();
  ++life_number_;
  database_ = database.string();
}

std::filesystem::path LogTracker::wal_path() const {
  return database_ + "-wal";
}
std::filesystem::path LogTracker::shm_path() const {
  return database_ + "-shm";
}

void LogTracker::discard(Attachment& pair) {
  if (pair.wal.is_open()) deps_.closer->close_later(std::move(pair.wal));
  if (pair.shm.is_open()) deps_.closer->close_later(std::move(pair.shm));
  pair = {};
}

void LogTracker::on_event(FileEvent event) {
  const base::SteadyTime now = deps_.clock->steady_now();
  last_event_ = now;
  backoff_ = 0;
  switch (event.kind) {
    case FileEventKind::log_created:
      on_log_created(event);
      break;
    case FileEventKind::index_created:
      if (life_ && !life_->pair.complete() && event.opened.complete()) {
        discard(life_->pair);
        life_->pair = std::exchange(event.opened, {});
      }
      break;
    case FileEventKind::log_deleted:
      pin_.release();
      ended_.push_back(life_ ? std::move(*life_) : Life{});
      life_.reset();
      ++life_number_;
      // Nobody will ask for the last frames of a database that is read anew anyway.
      if (known_.captured.kind == PositionKind::none) discard_lives();
      if (ended_.size() > kLivesKept) lose_position("logs came and went faster than they could be read");
      break;
    case FileEventKind::index_closed:
      known_.index_closed(now);
      if (life_) ++life_->facts.index_closes;
      break;
    case FileEventKind::database_modified:
      // A checkpoint comes from a log, and the last one comes before the log is deleted. Anything else is somebody who
      // wrote into the file in another way.
      if (!life_ && !ended_.empty()) ended_.back().facts.written_after = true;
      if (life_ && !life_->facts.start_seen && ended_.empty()) life_->facts.written_before = true;
      if (!life_ && ended_.empty() && known_.captured.kind == PositionKind::closed && !database_unchanged()) {
        lose_position("the database file was written without a log");
      }
      break;
    case FileEventKind::database_replaced:
      lose_position("another file took the database's name");
      break;
    case FileEventKind::events_lost:
      known_.events_lost();
      if (life_) life_->facts.events_lost = true;
      for (Life& life : ended_) life.facts.events_lost = true;
      break;
    case FileEventKind::checked:
      known_.verify_closed = true;
      break;
    case FileEventKind::log_modified:
    case FileEventKind::journal_touched:
      break;
  }
  discard(event.opened);
}

void LogTracker::on_log_created(FileEvent& event) {
  pin_.release();
  if (life_ && !life_->facts.start_seen && life_->pair.complete() && event.position <= life_->pair.mark_before) {
    // Opened by its path before its creation was told of. What earlier lives have of it is not theirs.
    for (Life& ended : ended_) {
      if (ended.pair.mark >= event.position) discard(ended.pair);
    }
    // Not all that came before it was captured if somebody wrote the file without a log (a switch to WAL does).
    life_->facts.start_seen = !life_->facts.written_before || database_unchanged();
    life_->facts.index_closes = 0;
    ++life_number_;
    return;
  }
  if (life_) ended_.push_back(std::move(*life_));  // its deletion was not seen
  if (known_.captured.kind == PositionKind::none) {
    discard_lives();
    life_ = Life{};
    life_->facts.start_seen = true;
    ++life_number_;
    return;
  }
  Life life;
  life.facts.start_seen = true;
  // Descriptors opened after this creation belong to this life, whatever event they were opened for: none of them may
  // stay with an earlier one. Where it fell between the marks they may be of this life or of the one before: they are
  // of no use.
  const auto inherit = [&](Attachment& pair) {
    if (pair.mark < event.position || !pair.wal.is_open()) return;
    const bool of_use = pair.mark_before >= event.position && pair.complete() && !life.pair.complete();
    if (!of_use) return discard(pair);
    discard(life.pair);
    life.pair = std::exchange(pair, {});
  };
  inherit(event.opened);
  for (Life& ended : ended_) inherit(ended.pair);
  if (!life.pair.complete()) discard(life.pair);
  life_ = std::move(life);
  ++life_number_;
  wal_bytes_ = 0;
}

void LogTracker::lose_position(std::string_view why) {
  if (known_.captured.kind != PositionKind::none) bump(deps_.probe->gaps);
  known_.forget();
  lost_because_ = why;
  pin_.release();
  discard_lives();
}

void LogTracker::discard_lives() {
  for (Life& life : ended_) {
    bump(deps_.probe->lives);
    discard(life.pair);
  }
  ended_.clear();
}

void LogTracker::keep_log(base::SteadyTime until, std::uint64_t growth_bytes) {
  const base::SteadyTime complete_by = std::min(until, deps_.clock->steady_now() + kKeepTry);
  kept_ = std::make_unique<Kept>(*deps_.closer, until, complete_by, growth_bytes);
}

void LogTracker::let_log_go_if_due() {
  if (!kept_) return;
  const bool grown = kept_->limit_bytes && wal_bytes_ > *kept_->limit_bytes;
  const base::SteadyTime due = kept_->keeper.complete() ? kept_->until : kept_->complete_by;
  if (grown || deps_.clock->steady_now() >= due) let_log_go();
}

void LogTracker::detach(std::string_view why) {
  let_log_go();
  lose_position(why);
  if (life_) discard(life_->pair);
}

void LogTracker::go_cold(const Fingerprint& fingerprint) {
  pin_.release();
  known_.go_cold(fingerprint);
  if (life_) discard(life_->pair);
}

TrackResult LogTracker::gap(std::string why) {
  lose_position(why);
  return {TrackOutcome::gap, std::move(why), microseconds(0), false, 0, false};
}

TrackResult LogTracker::unsettled() {
  const std::uint32_t attempt = backoff_++;
  TrackResult result;
  result.outcome = TrackOutcome::unsettled;
  result.looked = false;
  result.retry_after = kSettle.at(std::min<std::size_t>(attempt, kSettle.size() - 1));
  if (pin_.held()) result.retry_after = std::min<microseconds>(result.retry_after, Pin::kHold);
  return result;
}

bool LogTracker::database_unchanged() const {
  if (!known_.fingerprint.complete) return false;
  const auto now = os::stat_path(database_);
  return now && unchanged(known_.fingerprint, *now);
}

bool LogTracker::database_untouched() const {
  const auto now = os::stat_path(database_);
  return now && untouched(known_.fingerprint, *now);
}

LogTracker::DatabaseLock LogTracker::database_lock() const {
  auto file = os::File::open_read_only(database_);
  if (!file) return DatabaseLock::shared;
  const auto holder = os::lock_holder(*file, os::kDbPendingByte, 2 + os::kDbSharedSize);
  deps_.closer->close_later(std::move(*file));
  if (!holder) return DatabaseLock::shared;
  if (!*holder) return DatabaseLock::none;
  return (*holder)->exclusive ? DatabaseLock::exclusive : DatabaseLock::shared;
}

bool LogTracker::hear_all() {
  if (!deps_.stream->wait_delivered(deps_.stream->mark())) return false;
  deps_.drain_mailbox();
  return true;
}

// Waits until everything that happened so far is known here. True if the current log is then another one (or the events
// did not arrive in time): nothing that was read before may be judged.
bool LogTracker::drain_changed_the_life() {
  const std::uint64_t before = life_number_;
  if (!hear_all()) return true;
  return before != life_number_ || !ended_.empty();
}

base::Result<TrackResult> LogTracker::step(PageSet& into) {
  const base::SteadyTime now = deps_.clock->steady_now();
  let_log_go_if_due();
  if (life_ && life_->pair.complete()) pin_.check(life_->pair.shm, now);
  TRY_ASSIGN(TrackResult result, finish_lives(into));
  if (result.outcome != TrackOutcome::quiet) return result;
  if (known_.captured.kind == PositionKind::none) {
    return TrackResult{TrackOutcome::gap, lost_because_, microseconds(0), false, result.commits, result.took_pages};
  }
  if (known_.doubtful()) {
    if (known_.doubt_is_final(now)) {
      return gap("a process left just after a verdict that rests on its counter");
    }
    result.outcome = TrackOutcome::unsettled;
    result.retry_after = std::chrono::milliseconds(110);
  }
  TRY_ASSIGN(const bool attached, attach_by_path());
  const bool took = result.took_pages;
  const std::uint32_t commits = result.commits;
  const TrackResult doubted = result;
  if (attached) {
    TRY_ASSIGN(result, follow_live_log(into));
  } else {
    TRY_ASSIGN(result, without_log());
  }
  result.took_pages |= took;
  result.commits += commits;
  if (known_.doubtful() && result.outcome == TrackOutcome::quiet) {
    result.outcome = doubted.outcome;
    result.retry_after = doubted.retry_after;
  }
  return result;
}

// True if a log is at hand. Opens it by its path where the watcher's thread has not.
base::Result<bool> LogTracker::attach_by_path() {
  if (life_ && life_->pair.complete()) return true;
  Attachment pair;
  pair.mark_before = deps_.stream->mark();
  auto log = os::File::open_read_only(wal_path());
  if (!log) {
    if (log.error().category == base::Category::not_found) return false;
    return base::fail(log.error());
  }
  pair.wal = std::move(*log);
  if (auto index = os::File::open_read_only(shm_path())) {
    pair.shm = std::move(*index);
  } else if (index.error().category != base::Category::not_found) {
    discard(pair);
    return base::fail(index.error());
  }
  pair.mark = deps_.stream->mark();
  if (!life_) {
    life_ = Life{};
    ++life_number_;
  }
  discard(life_->pair);
  life_->pair = std::move(pair);
  return true;
}

base::Result<TrackResult> LogTracker::without_log() {
  if (known_.captured.kind == PositionKind::log || life_) return without_log_after_drain();
  if (known_.verify_closed && !database_unchanged()) return gap("the database file changed unseen");
  if (known_.verify_closed) bump(deps_.probe->proofs_unchanged);
  known_.verify_closed = false;
  return TrackResult{};
}

// The log that we followed is not there. Either its deletion is on its way to us, or it happened while nobody watched.
base::Result<TrackResult> LogTracker::without_log_after_drain() {
  if (drain_changed_the_life()) return unsettled();
  TRY_ASSIGN(const bool came_back, attach_by_path());
  if (came_back) return unsettled();
  if (!database_unchanged()) return gap("the log was deleted unseen");
  bump(deps_.probe->proofs_unchanged);
  known_.log_is_gone();
  life_.reset();
  ++life_number_;
  return TrackResult{};
}

}  // namespace engine
