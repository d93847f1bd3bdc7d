#include "engine/drills.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/ledger_view.h"
#include "engine/verify.h"
#include "os/memory.h"

namespace engine {
namespace {

using std::chrono::milliseconds;

// A clock that is set is noticed by then, and so is a fleet that grew.
constexpr milliseconds kLookAgain{60'000};
constexpr unsigned kRequests = 4;
constexpr std::uint64_t kWaitingBytes = 4U << 20;

// What is there is stored, and nothing is wrong that the client says itself.
bool can_be_verified(const ClientStatus& client) {
  return client.txid != 0 && (client.state == ClientState::live || client.state == ClientState::idle);
}

VerificationStatus to_status(const VerificationRecord& record) {
  return {.verdict = std::string(to_string(record.verdict)),
          .at = record.at,
          .duration = record.duration,
          .txid = record.txid.value,
          .source_equal = record.source == SourceComparison::equal,
          .object = record.object,
          .text = record.text};
}

}  // namespace

base::UnixMillis next_drill(milliseconds round, std::size_t clients, base::UnixMillis started,
                            std::optional<base::UnixMillis> last) {
  const milliseconds interval = round / std::max<std::size_t>(clients, 1);
  if (!last) return started + std::min<milliseconds>(interval, kFirstDrill);
  return *last + interval;
}

base::Result<std::unique_ptr<Drills>> Drills::start(DrillOptions options, storage::ObjectStore& store,
                                                    StatusBoard& board, Bill& bill, os::FileCloser& closer) {
  TRY_ASSIGN(auto log, VerificationLog::open(options.state_directory / "verifications.db"));
  std::unique_ptr<Drills> drills(new Drills(std::move(options), std::move(log), store, board, bill, closer));
  TRY(drills->recall());
  if (drills->options_.round > milliseconds{0}) {
    drills->thread_ = std::jthread([raw = drills.get()](const std::stop_token& stop) { raw->run(stop); });
  }
  return drills;
}

Drills::Drills(DrillOptions options, VerificationLog log, storage::ObjectStore& store, StatusBoard& board, Bill& bill,
               os::FileCloser& closer)
    : options_(std::move(options)),
      log_(std::move(log)),
      store_(store),
      board_(board),
      bill_(bill),
      closer_(closer),
      started_(base::system_clock().unix_now()) {}

Drills::~Drills() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

base::Result<> Drills::recall() {
  TRY_ASSIGN(const auto newest, log_.newest());
  for (const VerificationRecord& record : newest) {
    const auto known = last_.find(record.id.value);
    if (known != last_.end() && known->second >= record.at) continue;
    last_[record.id.value] = record.at;
    show(record);
  }
  return {};
}

void Drills::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (auto read = recall(); !read) base::log::warn("verifications cannot be read", {{"reason", read.error()}});
    const auto fleet = board_.fleet();
    const auto now = base::system_clock().unix_now();
    const auto count = static_cast<std::size_t>(
        std::ranges::count_if(fleet->clients, [](const auto& client) { return can_be_verified(*client); }));
    std::optional<base::UnixMillis> last;
    // A time ahead of the clock is one of a clock that was wrong.
    for (const auto& [id, at] : last_) {
      if (at <= now) last = std::max(last.value_or(at), at);
    }
    const base::UnixMillis due = next_drill(options_.round, count, started_, last);
    if (count > 0 && due <= now) {
      if (const auto client = choose(*fleet)) drill(*client, stop);
      continue;
    }
    const milliseconds pause = std::min(count == 0 ? options_.round : due - now, kLookAgain);
    changed_.wait_for(lock, stop, std::max(pause, milliseconds{1}), [] { return false; });
  }
}

std::shared_ptr<const ClientStatus> Drills::choose(const FleetStatus& fleet) const {
  std::shared_ptr<const ClientStatus> chosen;
  const base::UnixMillis now = base::system_clock().unix_now();
  base::UnixMillis oldest = base::UnixMillis::max();
  for (const auto& client : fleet.clients) {
    if (!can_be_verified(*client)) continue;
    const auto tried = last_.find(client->client_id);
    const bool known = tried != last_.end() && tried->second <= now;
    const base::UnixMillis at = known ? tried->second : base::UnixMillis{0};
    if (at >= oldest) continue;
    oldest = at;
    chosen = client;
  }
  return chosen;
}

base::Result<VerifyReport> Drills::verify(const ClientStatus& client, const std::stop_token& stop,
                                          OnDownloadProgress on_progress) const {
  const base::DatabaseId id{client.client_id};
  VerifyOptions options;
  options.on_progress = std::move(on_progress);
  options.parallel_downloads = kRequests;
  options.waiting_bytes_max = kWaitingBytes;
  options.closer = &closer_;
  options.record = [&] { return read_recorded_backup(options_.state_directory / "state.db", id); };
  options.context.stop = stop;
  options.context.observer = bill_.charge(Purpose::verification, parse_guid(id.value));
  auto report = verify_backup(store_, client.replica_path, options);
  os::give_back_free_memory();
  return report;
}

void Drills::drill(const ClientStatus& client, const std::stop_token& stop) {
  const base::DatabaseId id{client.client_id};
  last_[id.value] = base::system_clock().unix_now();
  if (const auto report = verify(client, stop, {})) {
    take(id, *report, log_);
  } else if (!stop.stop_requested()) {
    base::log::warn("no verdict on a backup", {{"client", id.value}, {"reason", report.error()}});
  }
}

base::Result<VerifyReport> Drills::verify_now(const ClientStatus& client, const std::stop_token& stop,
                                              OnDownloadProgress on_progress) {
  TRY_ASSIGN(VerificationLog log, VerificationLog::open(options_.state_directory / "verifications.db"));
  auto report = verify(client, stop, std::move(on_progress));
  if (report) take(base::DatabaseId{client.client_id}, *report, log);
  return report;
}

void Drills::take(const base::DatabaseId& id, const VerifyReport& report, VerificationLog& log) {
  const VerificationRecord record = to_record(id, report);
  for (const Finding& finding : report.findings) {
    base::log::error("verification", {{"client", id.value},
                                      {"verdict", to_string(finding.verdict)},
                                      {"object", finding.object},
                                      {"finding", finding.text}});
  }
  base::log::debug("backup verified", {{"client", id.value}, {"verdict", to_string(record.verdict)}});
  show(record);
  if (auto kept = log.add(record); !kept) {
    base::log::warn("verification is not recorded", {{"client", id.value}, {"reason", kept.error()}});
  }
}

void Drills::show(const VerificationRecord& record) {
  const std::scoped_lock lock(shown_);
  board_.set_verification(record.id.value, to_status(record));
  failures_.erase(record.id.value);
  if (record.verdict == BackupVerdict::failure) {
    failures_[record.id.value] = record.object + (record.object.empty() ? "" : " ") + record.text;
  }
  std::string notice;
  if (!failures_.empty()) {
    const auto& [id, text] = *failures_.begin();
    notice = fmt::format("{} failed verification. {}: {}",
                         failures_.size() == 1 ? "A backup" : fmt::format("{} backups", failures_.size()), id, text);
  }
  board_.set_notice("verification", std::move(notice));
}

}  // namespace engine
