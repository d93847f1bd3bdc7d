#include "cli/restore_all_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/fan_out.h"
#include "cli/client_match.h"
#include "cli/fleet_progress.h"
#include "cli/open_store.h"
#include "cli/restore_all_plan.h"
#include "engine/backup_clients.h"
#include "engine/backup_listing.h"
#include "engine/restore.h"
#include "os/file.h"
#include "os/signals.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using base::Result;
using engine::BackedUpClient;

constexpr std::uint64_t kWaitingBytesInAll = 32U << 20;

enum class Status : std::uint8_t {
  restored,
  there_already,  // -resume
  no_state,       // nothing of it is from before -at
  failed,
};
constexpr std::array<std::string_view, 4> kStatusWords{"restored", "already there", "no state at that time", "failed"};

struct Outcome {
  BackedUpClient client;
  Status status = Status::failed;
  engine::RestoreReport report;
  std::chrono::milliseconds duration{0};
  base::Error error{Category::cancelled, "stopped before it began", {}};
};

ExitCode failed(const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: restore-all: {}\n", error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

Result<std::vector<BackedUpClient>> choose(const RestoreAllRequest& request, storage::ObjectStore& store,
                                           const std::stop_token& stop) {
  TRY_ASSIGN(auto clients, engine::list_backed_up_clients(store, {.deadline = {}, .stop = stop}));
  std::erase_if(clients, [&](const auto& client) { return !matches_client(request.match, client.id.value, ""); });
  if (clients.empty()) {
    return base::fail(Category::not_found, fmt::format("{}: no backup of a client{}", store.display_url(),
                                                       request.match == "*" ? "" : " that matches " + request.match));
  }
  if (request.order == ClientOrder::smallest) {
    std::ranges::sort(clients, {}, [](const auto& c) { return std::pair(c.size_bytes, std::string_view(c.id.value)); });
  } else {
    std::ranges::sort(clients, {}, [](const auto& c) { return std::pair(-c.newest, std::string_view(c.id.value)); });
  }
  return clients;
}

// A client that began after the time has objects, and none of them is older. All else that is not found was lost: the
// base of what is there, an object while it was wanted, all of them since they were listed.
bool had_no_state(const RestoreAllRequest& request, storage::ObjectStore& store, const BackedUpClient& client,
                  const base::Error& error, const std::stop_token& stop) {
  if (!request.target.before || error.category != Category::not_found) return false;
  const base::UnixMillis time = *request.target.before;
  const storage::CallContext context{.deadline = {}, .stop = stop};
  auto listing = engine::list_backup(store, storage::replica_path(client.id), context);
  if (!listing || listing->empty() || !engine::refine_times(store, listing->files, time, context)) return false;
  const auto is_older = [&](const auto& object) { return object.created_at < time; };
  return std::ranges::none_of(listing->files, is_older) && std::ranges::none_of(listing->generations, is_older);
}

void restore_one(const RestoreAllRequest& request, storage::ObjectStore& store, Outcome& outcome,
                 FleetProgress& progress, const std::stop_token& stop) {
  const base::SteadyTime start = base::system_clock().steady_now();
  engine::RestoreOptions options;
  options.output = output_of(request, outcome.client);
  options.target = request.target;
  options.parallel_downloads = requests_of_each(request);
  options.waiting_bytes_max = std::max<std::uint64_t>(2U << 20, kWaitingBytesInAll / request.parallel);
  options.integrity_check = request.integrity_check;
  options.context.stop = stop;
  std::uint64_t seen = 0;
  options.on_progress = [&](const engine::DownloadProgress& download) {
    if (download.bytes_done < seen) seen = 0;  // begun anew
    progress.read(download.bytes_done - seen);
    seen = download.bytes_done;
  };
  if (request.resume && os::stat_path(options.output)) {
    outcome.status = Status::there_already;
  } else if (auto report = engine::restore(store, storage::replica_path(outcome.client.id), options); report) {
    outcome.status = Status::restored;
    outcome.report = *std::move(report);
  } else {
    outcome.status =
        had_no_state(request, store, outcome.client, report.error(), stop) ? Status::no_state : Status::failed;
    outcome.error = std::move(report).error();
  }
  outcome.duration = std::chrono::duration_cast<std::chrono::milliseconds>(base::system_clock().steady_now() - start);
  progress.done(outcome.client.size_bytes);
}

std::uint64_t database_bytes(const Outcome& outcome) {
  return std::uint64_t{outcome.report.page_size} * outcome.report.pages;
}

struct Sums {
  std::array<std::size_t, kStatusWords.size()> count{};
  std::uint64_t database_bytes = 0, read_bytes = 0;
};

Sums add_up(const std::vector<Outcome>& outcomes) {
  Sums sums;
  for (const Outcome& outcome : outcomes) {
    ++sums.count[std::to_underlying(outcome.status)];
    if (outcome.status != Status::restored) continue;
    sums.database_bytes += database_bytes(outcome);
    sums.read_bytes += outcome.report.downloaded_bytes;
  }
  return sums;
}

double seconds(std::chrono::milliseconds duration) {
  return static_cast<double>(duration.count()) / 1000;
}

std::string text_of(const std::vector<Outcome>& outcomes, std::chrono::milliseconds took) {
  const Sums sums = add_up(outcomes);
  std::string text;
  for (const Outcome& outcome : outcomes) {
    if (outcome.status == Status::failed) {
      text += fmt::format("{}  failed: {}\n", outcome.client.id.value, outcome.error.message);
    }
    for (const std::string& damage : outcome.report.damaged) {
      text += fmt::format("{}  done without a damaged object: {}\n", outcome.client.id.value, damage);
    }
  }
  for (std::size_t i = 0; i < sums.count.size(); ++i) {
    if (sums.count[i] != 0 || i == 0) text += fmt::format("{:<22} {:>8} clients\n", kStatusWords[i], sums.count[i]);
  }
  text += fmt::format("{:<22} {:>8} of databases, {} read\n", "size", format_bytes(sums.database_bytes),
                      format_bytes(sums.read_bytes));
  const double rate = static_cast<double>(sums.read_bytes) / std::max(0.001, seconds(took));
  text +=
      fmt::format("{:<22} {:>8.1f} s, {}/s\n", "time", seconds(took), format_bytes(static_cast<std::uint64_t>(rate)));
  return text;
}

std::string json_of(const RestoreAllRequest& request, const std::vector<Outcome>& outcomes,
                    std::chrono::milliseconds took) {
  const Sums sums = add_up(outcomes);
  nlohmann::json results = nlohmann::json::array();
  for (const Outcome& outcome : outcomes) {
    nlohmann::json result = {{"client", outcome.client.id.value},
                             {"status", kStatusWords[std::to_underlying(outcome.status)]},
                             {"output", output_of(request, outcome.client).string()},
                             {"seconds", seconds(outcome.duration)}};
    if (outcome.status == Status::restored) {
      result["txid"] = base::hex16(outcome.report.txid.value);
      result["time"] = base::to_rfc3339(outcome.report.timestamp);
      result["bytes"] = database_bytes(outcome);
      result["fetchedBytes"] = outcome.report.downloaded_bytes;
      result["checksumProven"] = outcome.report.checksum_proven;
      result["damaged"] = outcome.report.damaged;
    } else if (outcome.status != Status::there_already) {
      result["error"] = outcome.error.message;
    }
    results.push_back(std::move(result));
  }
  const nlohmann::json json = {{"clients", outcomes.size()},
                               {"restored", sums.count[std::to_underlying(Status::restored)]},
                               {"alreadyThere", sums.count[std::to_underlying(Status::there_already)]},
                               {"noState", sums.count[std::to_underlying(Status::no_state)]},
                               {"failed", sums.count[std::to_underlying(Status::failed)]},
                               {"bytes", sums.database_bytes},
                               {"fetchedBytes", sums.read_bytes},
                               {"seconds", seconds(took)},
                               {"results", std::move(results)}};
  return json.dump() + "\n";
}

ExitCode exit_code_of(const std::vector<Outcome>& outcomes) {
  bool corrupt = false, conflict = false, other = false, any = false;
  for (const Outcome& outcome : outcomes) {
    any = any || outcome.status == Status::restored || outcome.status == Status::there_already;
    if (outcome.status != Status::failed) continue;
    corrupt = corrupt || outcome.error.category == Category::corrupt;
    conflict = conflict || outcome.error.category == Category::conflict;
    other = other || (outcome.error.category != Category::corrupt && outcome.error.category != Category::conflict);
  }
  if (corrupt) return ExitCode::verification_failed;
  if (other) return ExitCode::failed;
  if (conflict) return ExitCode::conflict;
  return any ? ExitCode::done : ExitCode::not_found;
}

ExitCode print(const std::string& text, ExitCode code) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? code : ExitCode::failed;
}

Result<ExitCode> restore_all(const RestoreAllRequest& request, const std::stop_token& stop) {
  TRY_ASSIGN(const auto store, open_store(request.store));
  TRY_ASSIGN(auto clients, choose(request, *store, stop));
  if (request.dry_run) {
    TRY_ASSIGN(const auto text, describe_restore_all(*store, request, clients, {.deadline = {}, .stop = stop}));
    return print(text, ExitCode::done);
  }
  std::vector<Outcome> outcomes(clients.size());
  for (std::size_t i = 0; i < clients.size(); ++i) outcomes[i].client = std::move(clients[i]);
  TRY(os::make_directories(request.output));
  std::uint64_t weight = 0;
  for (const Outcome& outcome : outcomes) weight += outcome.client.size_bytes;
  FleetProgress progress(outcomes.size(), weight);
  base::fan_out(outcomes.size(), request.parallel, stop,
                [&](std::size_t i) { restore_one(request, *store, outcomes[i], progress, stop); });
  progress.clear();
  const auto took = progress.elapsed();
  return print(request.json ? json_of(request, outcomes, took) : text_of(outcomes, took), exit_code_of(outcomes));
}

}  // namespace

ExitCode run_restore_all(const RestoreAllRequest& request) {
  std::stop_source stop;
  const auto signals = os::SignalWaiter::start([&stop](os::StopSignal) { stop.request_stop(); });
  if (!signals) return failed(signals.error());
  const auto done = restore_all(request, stop.get_token());
  return done ? *done : failed(done.error());
}

}  // namespace cli
