#include "engine/missing_restorer.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/fan_out.h"
#include "base/log.h"
#include "engine/backup_listing.h"
#include "engine/restore.h"
#include "ltx/header.h"
#include "ltx/provenance.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/permissions.h"
#include "storage/keys.h"

namespace engine {
namespace {

const std::string kTopic = "missing";
constexpr unsigned kRequests = 4;
constexpr std::uint64_t kWaitingBytes = 4U << 20;

bool is_there(const std::filesystem::path& path) {
  return os::stat_path(path).has_value();
}

}  // namespace

MissingRestorer::MissingRestorer(MissingOptions options, storage::ObjectStore& store, Ledger& ledger,
                                 StatusBoard& board, Bill& bill)
    : options_(options), store_(store), ledger_(ledger), board_(board), bill_(bill) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void MissingRestorer::begin_stop() {
  thread_.request_stop();
}

MissingRestorer::~MissingRestorer() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void MissingRestorer::pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, stop, time, [] { return false; });
}

void MissingRestorer::run(const std::stop_token& stop) {
  const auto watch_dirs = wait_for_directories(stop);
  if (!watch_dirs) return;
  auto found = find(*watch_dirs, stop);
  if (!found) return;
  Sums sums;
  sums.wanted = found->missing.size();
  std::vector<MissingClient> left = found->missing;
  std::mutex guard;  // of sums and of those to try again
  for (auto delay = options_.retry_min; !left.empty() && !stop.stop_requested();
       delay = std::min(delay * 2, options_.retry_max)) {
    std::vector<MissingClient> again;
    base::fan_out(left.size(), options_.clients_at_a_time, stop, [&](std::size_t i) {
      std::string why;
      const Outcome outcome = bring_back(left[i], why, stop);
      const std::scoped_lock lock(guard);
      sums.restored += outcome == Outcome::restored ? 1 : 0;
      sums.there += outcome == Outcome::there_already ? 1 : 0;
      sums.elsewhere += outcome == Outcome::lives_elsewhere ? 1 : 0;
      if (outcome == Outcome::failed) sums.failures.push_back(left[i].id.value + ": " + why);
      if (outcome == Outcome::try_again) again.push_back(left[i]);
      tell_progress(sums);
    });
    left = std::move(again);
    if (!left.empty()) pause(delay, stop);
  }
  os::give_back_free_memory();
  if (!stop.stop_requested()) tell_end(sums, *found);
}

std::optional<std::vector<std::string>> MissingRestorer::wait_for_directories(const std::stop_token& stop) {
  std::string told;
  while (!stop.stop_requested()) {
    std::vector<std::string> paths;
    std::string lost;
    const auto fleet = board_.fleet();
    for (const WatchDirStatus& directory : fleet->watch_dirs) {
      paths.push_back(directory.path);
      if (!directory.ok) lost = directory.path;
    }
    if (lost.empty() && !paths.empty()) return paths;
    if (lost != told) {
      base::log::warn("missing databases wait for a directory that cannot be watched", {{"path", lost}});
      board_.set_notice(kTopic, fmt::format("Missing databases are brought back once {} can be watched: what is in "
                                            "there may not be missing.",
                                            lost));
      told = lost;
    }
    pause(options_.retry_min, stop);
  }
  return std::nullopt;
}

std::optional<MissingClients> MissingRestorer::find(const std::vector<std::string>& watch_dirs,
                                                    const std::stop_token& stop) {
  for (auto delay = options_.retry_min; !stop.stop_requested(); delay = std::min(delay * 2, options_.retry_max)) {
    auto listed = list_backed_up_clients(store_, {{}, stop, bill_.charge(Purpose::recovery, std::nullopt)});
    auto known = listed ? ledger_.load_all() : base::fail(listed.error());
    if (known) return find_missing(*std::move(listed), *std::move(known), watch_dirs, is_there);
    if (stop.stop_requested()) break;
    base::log::error("missing databases cannot be looked for, will be tried again", {{"reason", known.error()}});
    board_.set_notice(kTopic, "Missing databases cannot be looked for: " + known.error().message);
    pause(delay, stop);
  }
  return std::nullopt;
}

// A writer that is not us went on after our last object: the client was moved to another host, and a copy of it here
// would only be in the way.
base::Result<bool> MissingRestorer::continued_elsewhere(const MissingClient& client,
                                                        const storage::CallContext& context) {
  if (!client.record || client.record->txid.value == 0) return false;
  TRY_ASSIGN(const BackupListing backup, list_backup(store_, storage::replica_path(client.id), context));
  const auto newest = std::ranges::max_element(
      backup.files, {}, [](const auto& file) { return std::pair(file.name.max, -int{file.name.level.value}); });
  if (newest == backup.files.end() || newest->name.max <= client.record->attempted) return false;
  TRY_ASSIGN(const base::Bytes bytes, storage::get_and_wait(store_, {newest->key, 0, ltx::kHeaderSize}, context));
  const auto header = ltx::decode_header(bytes);
  if (!header) return false;  // the restore will say what is wrong with it
  const auto by = ltx::provenance(*header);
  return !by || !ledger_.lineages().is_ours(by->lineage);
}

MissingRestorer::Outcome MissingRestorer::bring_back(const MissingClient& client, std::string& why,
                                                     const std::stop_token& stop) {
  const storage::CallContext context{{}, stop, bill_.charge(Purpose::recovery, parse_guid(client.id.value))};
  // It may have appeared meanwhile, here or at another place.
  if (const auto now = ledger_.find(client.id); now && is_there(now->path)) return Outcome::there_already;
  const auto work = [&]() -> base::Result<Outcome> {
    TRY_ASSIGN(const bool elsewhere, continued_elsewhere(client, context));
    if (elsewhere) return Outcome::lives_elsewhere;
    // As an operator would have made it: whoever may write to the directory above may write to the new ones.
    TRY(os::make_directories_as_above(client.output.parent_path()));
    RestoreOptions options;
    options.output = client.output;
    options.owner_as = client.output.parent_path();
    options.parallel_downloads = kRequests;
    options.waiting_bytes_max = kWaitingBytes;
    options.context = context;
    TRY_ASSIGN(const RestoreReport report, restore(store_, storage::replica_path(client.id), options));
    base::log::info("missing database brought back", {{"client", client.id.value},
                                                      {"path", client.output.string()},
                                                      {"txid", report.txid.value},
                                                      {"read", report.downloaded_bytes}});
    return Outcome::restored;
  };
  const auto outcome = work();
  if (outcome && *outcome == Outcome::lives_elsewhere) {
    base::log::info("missing database stays away: another host has gone on with its backup",
                    {{"client", client.id.value}});
  }
  if (outcome) return *outcome;
  if (stop.stop_requested()) return Outcome::try_again;
  const bool passes = base::is_transient(outcome.error().category);
  base::log::error(passes ? "missing database cannot be brought back, will be tried again"
                          : "missing database cannot be brought back",
                   {{"client", client.id.value}, {"path", client.output.string()}, {"reason", outcome.error()}});
  why = outcome.error().message;
  return passes ? Outcome::try_again : Outcome::failed;
}

void MissingRestorer::tell_progress(const Sums& sums) {
  board_.set_notice(
      kTopic, fmt::format("Missing databases are being brought back: {} of {} are there{}.", sums.restored + sums.there,
                          sums.wanted, sums.failures.empty() ? "" : fmt::format(", {} failed", sums.failures.size())));
}

void MissingRestorer::tell_end(const Sums& sums, const MissingClients& found) {
  for (const base::DatabaseId& id : found.differ_by_case) {
    base::log::warn("a backup is left alone: its id differs only in case from that of another client",
                    {{"client", id.value}});
  }
  base::log::info("missing databases are back", {{"restored", sums.restored},
                                                 {"failed", sums.failures.size()},
                                                 {"removed_on_purpose", found.taken_away.size()},
                                                 {"elsewhere", sums.elsewhere}});
  std::string notice;
  if (!sums.failures.empty()) {
    notice = fmt::format("{} of {} missing databases could not be brought back; the next start tries again. {}",
                         sums.failures.size(), sums.wanted, sums.failures.front());
  }
  board_.set_notice(kTopic, std::move(notice));
}

}  // namespace engine
