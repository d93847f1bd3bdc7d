#include "engine/periodic_audit.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "os/memory.h"
#include "os/process.h"

namespace engine {
namespace {

using std::chrono::milliseconds;

constexpr char kLast[] = "audit";
constexpr char kUnderWay[] = "audit under way";
constexpr char kCountedFrom[] = "audits counted from";
constexpr char kTopic[] = "audit";
constexpr milliseconds kLookAgain = std::chrono::hours(1);  // a clock that was set is noticed by then
constexpr std::chrono::seconds kSavedEvery{10};             // what a restart repeats

std::string some_of(const NamedCount& names) {
  std::string text;
  for (const std::string& name : names.first) text += (text.empty() ? "" : ", ") + name;
  return names.count > names.first.size() ? text + ", ..." : text;
}

// Empty where nothing was lost: a record that was wrong and is made anew needs nobody.
std::string notice_of(const AuditStatus& found) {
  if (found.broken.count + found.lost.count + found.lost_points == 0) return {};
  std::string text = fmt::format("The audit of {} found that objects are missing or damaged in the bucket.",
                                 base::to_rfc3339(*found.ended));
  if (found.lost.count > 0)
    text += fmt::format(" Backups without anything left ({}): {}.", found.lost.count, some_of(found.lost));
  if (found.broken.count > 0) {
    text += fmt::format(" Backups whose newest state could not be restored ({}): {}.", found.broken.count,
                        some_of(found.broken));
  }
  const std::uint64_t bad = found.broken.count + found.lost.count;
  if (found.mending.count > 0) {
    text += fmt::format(" {} of {} are stored anew from their databases.", found.mending.count, bad);
  }
  if (found.lost_points > 0) {
    text += fmt::format(" Restore points that cannot be had back ({}): {}.", found.lost_points, some_of(found.losses));
  }
  return text + " Find out who removes objects in this bucket.";
}

}  // namespace

base::UnixMillis next_audit(const AuditOptions& options, base::UnixMillis counted_from,
                            std::optional<base::UnixMillis> last_ended) {
  if (last_ended) return *last_ended + options.every;
  return counted_from + std::min(options.every, options.first_after);
}

PeriodicAudit::PeriodicAudit(AuditOptions options, storage::ObjectStore& store, Ledger& ledger, StatusBoard& board,
                             Bill& bill, const Probe& probe, AuditHealer healer)
    : options_(std::move(options)),
      store_(store),
      ledger_(ledger),
      board_(board),
      bill_(bill),
      probe_(probe),
      healer_(std::move(healer)) {
  recall();
  show(std::nullopt);
  if (options_.every > milliseconds{0}) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
}

PeriodicAudit::~PeriodicAudit() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// A time ahead of the clock is one of a clock that was wrong: as if nothing had been.
void PeriodicAudit::recall() {
  const base::UnixMillis now = base::system_clock().unix_now();
  if (const auto text = ledger_.recall(kLast); text && !text->empty()) {
    if (const auto last = parse_audit_progress(*text); last && last->found.ended && *last->found.ended <= now) {
      last_ = last->found;
      board_.set_notice(kTopic, notice_of(*last_));
    }
  }
  if (const auto text = ledger_.recall(kUnderWay); text && !text->empty()) {
    // One that was begun long ago says nothing about what it has seen then.
    const auto begun = parse_audit_progress(*text);
    under_way_ = begun && begun->found.begun <= now && now - begun->found.begun < options_.every;
    if (under_way_) progress_ = *begun;
  }
  if (const auto text = ledger_.recall(kCountedFrom); text) {
    counted_from_ = base::UnixMillis{std::strtoll(text->c_str(), nullptr, 10)};
  }
  if (counted_from_ != base::UnixMillis{0} && counted_from_ <= now) return;
  counted_from_ = now;
  if (options_.every > milliseconds{0}) remember(kCountedFrom, std::to_string(now.count()));
}

base::UnixMillis PeriodicAudit::due() const {
  return next_audit(options_, counted_from_, last_ ? last_->ended : std::nullopt);
}

void PeriodicAudit::remember(const char* name, const std::string& text) {
  if (auto kept = ledger_.remember(name, text); !kept) base::log::warn("state database", {{"reason", kept.error()}});
}

void PeriodicAudit::show(std::optional<AuditStatus> running) {
  AuditOverview overview;
  overview.on = options_.every > milliseconds{0};
  if (overview.on && !running && !under_way_) overview.due = due();
  overview.running = std::move(running);
  overview.last = last_;
  board_.set_audit(std::move(overview));
}

bool PeriodicAudit::pause(milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void PeriodicAudit::run(const std::stop_token& stop) {
  os::let_applications_go_first();
  while (!stop.stop_requested()) {
    const milliseconds wait = due() - base::system_clock().unix_now();
    if (under_way_ || wait <= milliseconds{0}) {
      audit(stop);
      os::give_back_free_memory();
    } else {
      pause(std::min(wait, kLookAgain), stop);
    }
  }
}

// Since the last look some failed and none went well, or none was tried and some client still waits to try again.
bool PeriodicAudit::uploads_fail() {
  const std::uint64_t uploads = probe_.uploads.load(std::memory_order_relaxed);
  const std::uint64_t failures = probe_.upload_failures.load(std::memory_order_relaxed);
  if (std::exchange(uploads_seen_, uploads) != uploads) {
    failing_ = false;
  } else if (failures != failures_seen_) {
    failing_ = true;
  } else if (failing_) {
    failing_ = somebody_waits();  // else nobody tries any more
  }
  failures_seen_ = failures;
  return failing_;
}

bool PeriodicAudit::somebody_waits() const {
  const auto fleet = board_.fleet();
  return std::ranges::any_of(fleet->clients, [](const auto& client) { return client->next_attempt.has_value(); });
}

// Until it is over or we are to end: a store that is away is waited for, and the round goes on where it was.
void PeriodicAudit::audit(const std::stop_token& stop) {
  milliseconds delay = options_.retry_min;
  if (!under_way_) progress_ = {};
  auto recorded = RecordedBackups::open(options_.state_directory / "state.db");
  if (!recorded) {
    base::log::error("audit: the state database cannot be read", {{"reason", recorded.error()}});
    pause(options_.retry_max, stop);
    return;
  }
  AuditRound round({store_, ledger_, *recorded, board_, healer_, [&] { return pace(stop); }}, progress_,
                   base::system_clock().unix_now());
  base::log::info(under_way_ ? "audit of the bucket goes on" : "audit of the bucket begins");
  under_way_ = true;
  while (!stop.stop_requested()) {
    const std::string before = round.progress().key;
    const auto done = go_on(round, stop);
    if (done) return finish(round.progress());
    save(round.progress());
    if (stop.stop_requested()) return;
    base::log::warn("audit of the bucket waits", {{"reason", done.error()}});
    if (round.progress().key != before) delay = options_.retry_min;
    pause(delay, stop);
    delay = std::min(delay * 2, options_.retry_max);
  }
}

base::Result<> PeriodicAudit::go_on(AuditRound& round, const std::stop_token& stop) {
  round_ = &round;
  show(round.progress().found);
  // What was before says nothing: an upload that goes well from now on does.
  uploads_seen_ = probe_.uploads.load(std::memory_order_relaxed);
  failures_seen_ = probe_.upload_failures.load(std::memory_order_relaxed);
  failing_ = somebody_waits();
  TRY(wait_for_uploads(stop));
  auto done = round.run({{}, stop, bill_.charge(Purpose::audit, std::nullopt)});
  round_ = nullptr;
  return done;
}

base::Result<> PeriodicAudit::pace(const std::stop_token& stop) {
  if (base::system_clock().steady_now() - saved_ >= kSavedEvery) {
    save(round_->progress());
    show(round_->progress().found);
  }
  if (!pause(options_.page_pause, stop)) return base::fail(base::Category::cancelled, "stopping");
  return wait_for_uploads(stop);
}

base::Result<> PeriodicAudit::wait_for_uploads(const std::stop_token& stop) {
  for (bool told = false; uploads_fail(); told = true) {
    if (!told) base::log::info("audit of the bucket waits for the store: uploads fail");
    if (!pause(options_.retry_min, stop)) return base::fail(base::Category::cancelled, "stopping");
  }
  return {};
}

void PeriodicAudit::save(const AuditProgress& progress) {
  progress_ = progress;
  saved_ = base::system_clock().steady_now();
  remember(kUnderWay, to_text(progress));
}

void PeriodicAudit::finish(const AuditProgress& progress) {
  AuditProgress over{progress.found, {}, {}};
  over.found.ended = base::system_clock().unix_now();
  last_ = over.found;
  under_way_ = false;
  remember(kLast, to_text(over));
  remember(kUnderWay, {});
  const AuditStatus& found = over.found;
  base::log::info("audit of the bucket is over", {{"backups", found.clients},
                                                  {"objects", found.objects},
                                                  {"different", found.different.count},
                                                  {"broken", found.broken.count},
                                                  {"lost", found.lost.count},
                                                  {"mending", found.mending.count},
                                                  {"lost_points", found.lost_points}});
  const auto tell = [](const char* what, const NamedCount& names) {
    if (names.count > 0) base::log::info(what, {{"count", names.count}, {"such_as", some_of(names)}});
  };
  tell("audit: backups of databases that are gone", found.gone);
  tell("audit: backups of databases that this host never had", found.unknown);
  tell("audit: objects that are no backup's", found.foreign);
  tell("audit: databases without a backup", found.unstored);
  board_.set_notice(kTopic, notice_of(found));
  show(std::nullopt);
}

}  // namespace engine
