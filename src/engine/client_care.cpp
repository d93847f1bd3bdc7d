// What the operator wants of a client, and what is done to a tenant's database besides reading it: the switch to WAL,
// holding a log for a moment, clearing it away. The latter only as root or the file's owner, only where the locks of
// others are visible (decisions 0002 and 0008).
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/attached.h"
#include "engine/client.h"
#include "engine/upkeep.h"
#include "sqlite/journal_switch.h"
#include "sqlite/left_log.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSwitchRetry{5000};

// A kept log: long enough to read the database once even from a slow disk, and not so long that its log matters.
constexpr milliseconds kKeepAtLeast{2000};
constexpr std::uint64_t kKeepBytesPerMs = 100'000;
constexpr std::uint64_t kKeepGrowthBytes = 64ULL << 20;
constexpr int kKeepPause = 10;  // times as long as it may be kept
constexpr milliseconds kLeftLogQuiet{1000};
constexpr milliseconds kLeftLogRetry{5000};

}  // namespace

// nullopt: cannot be told right now.
std::optional<bool> Client::may_use_sqlite() const {
  const auto stat = os::stat_path(record_.path);
  const auto kind = os::file_system_kind(record_.path);
  if (!stat || !kind) return std::nullopt;
  const std::uint32_t uid = os::effective_uid();
  return (uid == 0 || uid == stat->owner_uid) && *kind == os::FileSystemKind::local;
}

// For a database whose image is overtaken again and again. Who may not clear a log away must not leave one either.
bool Client::keep_log_for_base() {
  const base::SteadyTime now = context_.clock->steady_now();
  if (tracker_.kept_until() || now < keep_not_before_ || journal_mode_ != "wal") return false;
  if (!may_use_sqlite().value_or(false)) return false;
  const milliseconds limit = kKeepAtLeast + milliseconds(database_bytes_ / kKeepBytesPerMs);
  tracker_.keep_log(now + limit, kKeepGrowthBytes + database_bytes_ / 4);
  keep_not_before_ = now + kKeepPause * limit;
  log_may_be_left_ = true;
  bump(context_.probe->kept_logs);
  base::log::debug("keeping the log while the database is read", {{"client", record_.id.value}});
  return true;
}

void Client::let_log_go_in_time() {
  tracker_.let_log_go_if_due();
  if (const auto until = tracker_.kept_until()) wake_at(*until);
}

// The last application may have ended while we kept its log. Whoever is attached again clears it away by ending.
void Client::clear_left_log() {
  const base::SteadyTime now = context_.clock->steady_now();
  if (!log_may_be_left_ || tracker_.kept_until() || !present_) return;
  const base::SteadyTime due = flushing_ ? now : std::max(left_log_due_, last_activity_ + kLeftLogQuiet);
  if (due > now) return wake_at(due);
  if (!os::stat_path(record_.path + "-wal") || !may_use_sqlite().value_or(false)) {
    log_may_be_left_ = false;
    return;
  }
  auto index = os::File::open_read_only(record_.path + "-shm");
  const bool vouched_for = index && vouched(*index);
  if (index) context_.closer->close_later(std::move(*index));
  if (vouched_for) {
    log_may_be_left_ = false;
    return;
  }
  left_log_due_ = now + kLeftLogRetry;
  wake_at(left_log_due_);
  if (!nobody_attached(record_.path, *context_.closer)) return;
  const os::FileCloser::Hold hold = context_.closer->hold();
  if (const auto cleared = sqlite::clear_left_log(record_.path); cleared) {
    log_may_be_left_ = false;
    base::log::info("cleared away a log that an application had left to us", {{"client", record_.id.value}});
  } else if (cleared.error().category != base::Category::retry_later) {
    log_may_be_left_ = false;
    report(cleared.error(), "clearing away a log");
  }
}

// Pausing is like the file going away: what was captured is stored, everything is let go of. What happened meanwhile
// nobody saw, so going on begins with a comparison against what is stored.
void Client::on_policy(NewPolicy policy) {
  const NewPolicy before = std::exchange(policy_, std::move(policy));
  const base::SteadyTime now = context_.clock->steady_now();
  if (base_needed_) base_due_ = std::min(base_due_, std::max(now, last_upload_ + policy_->sync_interval));
  lost_points_.set_interval(policy_->sync_interval);
  if (context_.upkeep != nullptr) context_.upkeep->set_policy(record_.row, policy_);
  if (before->paused == policy_->paused) return;
  base::log::info(policy_->paused ? "paused" : "goes on", {{"client", record_.id.value}});
  track_pending_ = true;
  track_due_ = now;
  resting_ = false;
  if (policy_->paused) {
    tracker_.detach("paused");
    if (base_needed_) need_base("paused");
    blocked_.clear();
    trouble_.clear();
    return;
  }
  need_base("was paused");
}

// A database in rollback mode: captured by diff at each change, unless it may be switched.
void Client::switch_when_quiet() {
  const base::SteadyTime now = context_.clock->steady_now();
  if (journal_mode_ != "rollback" || !policy_->switch_to_wal || record_.wal_switch_refused || switch_refused_ ||
      away() || flushing_ || base_needed_ || has_captured() || uploader_.state() != UploadState::idle) {
    return;
  }
  if (seen_wal_mode_) {
    record_.wal_switch_refused = true;
    base::log::info("the application went back from WAL: left alone, captured by reading at each change",
                    {{"client", record_.id.value}});
    if (auto kept = context_.ledger->refuse_wal_switch(record_.row); !kept) report(kept.error(), "recording a choice");
    return;
  }
  if (switch_due_ > now) return wake_at(switch_due_);
  const auto permitted = may_use_sqlite();
  if (!permitted) return;
  if (!*permitted) {
    switch_refused_ = true;
    return;
  }
  const os::FileCloser::Hold hold = context_.closer->hold();
  const auto outcome = sqlite::switch_to_wal(record_.path);
  if (outcome && *outcome == sqlite::SwitchOutcome::switched) {
    journal_mode_ = "wal";
    seen_wal_mode_ = true;
    base::log::info("switched to WAL", {{"client", record_.id.value}, {"path", record_.path}});
  } else if (!outcome || *outcome == sqlite::SwitchOutcome::busy) {
    switch_due_ = now + kSwitchRetry;
    wake_at(switch_due_);
  } else {
    switch_refused_ = *outcome == sqlite::SwitchOutcome::refused;
  }
}

}  // namespace engine
