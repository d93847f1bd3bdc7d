// Follows the log of one database through its lives: created, written, restarted, deleted at the last close. Holds two
// read-only descriptors while a log is live and nothing else; takes no lock, writes nothing (decision 0005).
//
// step() takes what was committed since the last step into a PageSet and proves that nothing was missed, or says `gap`:
// then the position is unknown until a page diff (diff_job.h) makes it known again through begin_base()/end_base().
//
// Owned by one client, one thread at a time. Blocks only for local reads and, before a verdict that rests on the event
// stream, until the watcher has delivered what happened so far (about 0.1 ms, 100 ms at most).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "engine/continuity.h"
#include "engine/file_event.h"
#include "engine/judge.h"
#include "engine/log_keeper.h"
#include "engine/look.h"
#include "engine/page_set.h"
#include "engine/pin.h"
#include "engine/position.h"
#include "engine/probe.h"
#include "os/closer.h"

namespace engine {

enum class TrackOutcome : std::uint8_t {
  quiet,      // caught up and settled: nothing to do until the next event
  unsettled,  // caught up as far as visible; a commit may be under way: step again after `retry_after`
  gap,        // continuity is not proven: a diff is needed
  blocked,    // cannot be read now; `reason` says why
};

struct TrackResult {
  TrackOutcome outcome = TrackOutcome::quiet;
  std::string reason;
  std::chrono::microseconds retry_after{0};
  // The log could be judged: what was committed before this step is taken (or there is no log).
  bool looked = true;
  std::uint32_t commits = 0;  // taken in this step
  bool took_pages = false;
};

struct LogTrackerDeps {
  const base::Clock* clock;
  EventStream* stream;
  os::FileCloser* closer;
  Probe* probe;
  // Hands over events that arrived meanwhile (the client's mailbox), calling on_event() for each.
  std::function<void()> drain_mailbox;
};

class LogTracker {
 public:
  LogTracker(const std::filesystem::path& database, LogTrackerDeps deps);
  ~LogTracker();
  LogTracker(const LogTracker&) = delete;
  LogTracker& operator=(const LogTracker&) = delete;

  // The database is at another path now; nothing is known of it.
  void move_to(const std::filesystem::path& database);
  // Where capture stands according to the state database.
  void resume(const Position& position, const Fingerprint& fingerprint);
  void on_event(FileEvent event);

  // REQUIRES: position().kind != none. On gap the position becomes none and `into` is of no use any more.
  base::Result<TrackResult> step(PageSet& into);

  // First half of a diff or image: attaches, takes everything committed so far into a new pass of `into` and sets the
  // position. outcome quiet or unsettled: go on and read the database file, calling step() between slices.
  base::Result<TrackResult> begin_base(PageSet& into);

  // Everything that happened so far is known here when this returns true; false: not in time, ask again.
  bool hear_all();

  [[nodiscard]] const Position& position() const { return known_.captured; }
  [[nodiscard]] const Fingerprint& fingerprint() const { return known_.fingerprint; }
  // Database size in pages at position(), if a log tells it; else the file's size counts.
  [[nodiscard]] std::optional<std::uint32_t> page_count() const { return page_count_; }
  [[nodiscard]] std::uint32_t page_size() const { return page_size_; }
  [[nodiscard]] bool attached() const { return life_ && life_->pair.complete(); }
  [[nodiscard]] bool log_open() const { return life_.has_value() || !ended_.empty(); }
  // Everything captured is in the database file too (so a fingerprint of it is a proof).
  [[nodiscard]] bool all_backfilled() const { return known_.all_backfilled; }
  // For an image that keeps being overtaken by restarts: hold the log's generation for longer than usual.
  void allow_long_pin(bool allow) { pin_.allow_long(allow); }
  // For one that is overtaken all the same: from the next begin_base() on the log stays as it is, until `until`, until
  // the log has grown by `growth_bytes`, or until let_log_go().
  void keep_log(base::SteadyTime until, std::uint64_t growth_bytes);
  void let_log_go() { kept_.reset(); }
  void let_log_go_if_due();
  // When it is let go of at the latest; nullopt while it is not kept.
  [[nodiscard]] std::optional<base::SteadyTime> kept_until() const {
    return kept_ ? std::optional(kept_->until) : std::nullopt;
  }

  // Lets go of every descriptor; the position stays. With a complete fingerprint waking is free.
  void go_cold(const Fingerprint& fingerprint);
  // What a base found out about the file that it read.
  void note_fingerprint(const Fingerprint& fingerprint) { known_.note_fingerprint(fingerprint); }
  // Nothing of this database is followed for now (gone, conflict): every descriptor is let go, and the next base
  // decides.
  void detach(std::string_view why);
  void release_pin() { pin_.release(); }
  void lose_position(std::string_view why);

 private:
  struct Life {
    Attachment pair;
    LifeFacts facts;
  };

  struct Kept {
    Kept(os::FileCloser& closer, base::SteadyTime at_most_until, base::SteadyTime taken_by, std::uint64_t growth)
        : keeper(closer), until(at_most_until), complete_by(taken_by), growth_bytes(growth) {}
    LogKeeper keeper;
    base::SteadyTime until, complete_by;
    std::uint64_t growth_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;  // known with the first look at the kept log
  };

  void on_log_created(FileEvent& event);
  void discard(Attachment& pair);
  void discard_lives();

  base::Result<TrackResult> finish_lives(PageSet& into);
  base::Result<TrackResult> finish_life(Life& life, PageSet& into);
  base::Result<TrackResult> follow_live_log(PageSet& into);
  base::Result<Look> look(const Attachment& pair, LookMode mode);
  base::Result<TrackResult> follow_leftover(PageSet& into);
  base::Result<TrackResult> read_leftover(PageSet& into);
  base::Result<TrackResult> append_unvouched(TrackResult waiting, PageSet& into);
  base::Result<TrackResult> without_log();
  base::Result<bool> attach_by_path();
  [[nodiscard]] Verdict judge_look(const Look& look, const Life& life, LookMode mode) const;
  [[nodiscard]] bool database_unchanged() const;
  [[nodiscard]] bool database_untouched() const;
  enum class DatabaseLock : std::uint8_t { none, shared, exclusive };
  [[nodiscard]] DatabaseLock database_lock() const;
  std::optional<TrackResult> wait_for_leftover();
  bool drain_changed_the_life();
  base::Result<TrackResult> take(Verdict verdict, const Look& look, const Attachment& pair, LookMode mode,
                                 PageSet& into);
  base::Result<TrackResult> base_from_live_log(PageSet& into);
  [[nodiscard]] LookMode live_mode(const os::File& shm) const;
  base::Result<TrackResult> without_log_after_drain();
  void count(Verdict verdict, const Look& look);
  TrackResult gap(std::string why);
  TrackResult unsettled();
  [[nodiscard]] std::filesystem::path wal_path() const;
  [[nodiscard]] std::filesystem::path shm_path() const;

  std::string database_;  // a string: a path object takes five times the memory, and there are many clients
  LogTrackerDeps deps_;

  Continuity known_;
  std::string lost_because_ = "nothing is known of this database yet";
  std::optional<std::uint32_t> page_count_;
  std::uint32_t page_size_ = 0;
  // Nobody was seen attached since the file's stamps were taken, or we did not watch: a log proves nothing beside a
  // file that was written or exchanged meanwhile.
  bool unattended_ = false;
  // Conditions that are normal for a moment and mean something only if they last.
  std::optional<base::SteadyTime> unlinked_since_, exclusive_since_;

  std::optional<Life> life_;
  std::uint64_t life_number_ = 0;
  std::list<Life> ended_;  // nearly always empty, and then it takes nothing
  std::uint64_t wal_bytes_ = 0;
  std::uint32_t backoff_ = 0;
  base::SteadyTime last_event_{};
  Pin pin_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace engine
