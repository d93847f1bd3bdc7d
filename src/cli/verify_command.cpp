#include "cli/verify_command.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/fan_out.h"
#include "cli/fleet_progress.h"
#include "cli/open_store.h"
#include "cli/replica_location.h"
#include "engine/backup_clients.h"
#include "engine/verification_log.h"
#include "engine/verify.h"
#include "os/closer.h"
#include "os/signals.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Result;
using engine::BackupVerdict;

constexpr unsigned kRequestsInAll = 32;

struct Subject {
  base::DatabaseId id;
  std::string replica;
  std::uint64_t weight = 0;
};

struct Outcome {
  Subject subject;
  std::optional<engine::VerifyReport> report;
  base::Error error;  // why there is no verdict
};

// Everything that the threads share.
struct Run {
  const VerifyRequest& request;
  storage::ObjectStore& store;
  std::filesystem::path ledger;  // empty: none
  os::FileCloser closer;
  std::mutex log_mutex;
  std::optional<engine::VerificationLog> log;
};

ExitCode failed(const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: verify: {}\n", error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

std::size_t share_of(std::size_t count, double percent) {
  return std::min(count, static_cast<std::size_t>(std::ceil(static_cast<double>(count) * percent / 100)));
}

// Those that were never verified first, then by age.
Result<> keep_sample(Run& run, std::vector<Subject>& subjects) {
  std::map<std::string, base::UnixMillis> last;
  if (run.log) {
    TRY_ASSIGN(const auto newest, run.log->newest());
    for (const auto& record : newest) last[record.id.value] = record.at;
  }
  std::ranges::sort(subjects, {}, [&](const Subject& subject) {
    const auto found = last.find(subject.id.value);
    return std::pair(found == last.end() ? base::UnixMillis{0} : found->second, std::string_view(subject.id.value));
  });
  subjects.resize(share_of(subjects.size(), run.request.sample_percent));
  return {};
}

Result<std::vector<Subject>> choose(Run& run, const storage::CallContext& context) {
  if (!run.request.replica.empty()) {
    const std::string id = run.request.replica.substr(run.request.replica.rfind('/') + 1);
    return std::vector<Subject>{{.id = base::DatabaseId{id}, .replica = run.request.replica}};
  }
  std::map<std::string, std::uint64_t> found;
  TRY_ASSIGN(const auto stored, engine::list_backed_up_clients(run.store, context));
  for (const auto& client : stored) found[client.id.value] = client.size_bytes;
  if (!run.ledger.empty()) {
    TRY_ASSIGN(const auto ledger, engine::read_ledger(run.ledger));
    for (const auto& client : ledger.clients) {
      if (client.txid.value != 0) found.try_emplace(client.id.value, 0);
    }
  }
  if (found.empty()) {  // an emptied bucket and a mistyped prefix look alike, and neither is well
    return base::fail(base::Category::not_found,
                      run.store.display_url() + ": no backup of a client; are bucket and prefix the right ones?");
  }
  std::vector<Subject> subjects;
  for (const auto& [id, weight] : found) {
    const base::DatabaseId name{id};
    subjects.push_back({.id = name, .replica = storage::replica_path(name), .weight = weight});
  }
  if (run.request.sample_percent > 0) TRY(keep_sample(run, subjects));
  return subjects;
}

void verify_one(Run& run, Outcome& outcome, FleetProgress& progress, const std::stop_token& stop) {
  engine::VerifyOptions options;
  options.parallel_downloads = std::max(2U, kRequestsInAll / run.request.parallel);
  options.integrity_check = run.request.integrity_check;
  options.scratch_directory = run.request.temp_dir;
  options.context.stop = stop;
  std::uint64_t seen = 0;
  options.on_progress = [&](const engine::DownloadProgress& download) {
    if (download.bytes_done < seen) seen = 0;  // begun anew
    progress.read(download.bytes_done - seen);
    seen = download.bytes_done;
  };
  if (!run.ledger.empty()) {
    options.record = [&] { return engine::read_recorded_backup(run.ledger, outcome.subject.id); };
    options.closer = &run.closer;
  }
  auto report = engine::verify_backup(run.store, outcome.subject.replica, options);
  progress.done(outcome.subject.weight);
  if (!report) {
    outcome.error = std::move(report).error();
    return;
  }
  outcome.report = *std::move(report);
  if (!run.log) return;
  const std::scoped_lock lock(run.log_mutex);
  if (const auto kept = run.log->add(engine::to_record(outcome.subject.id, *outcome.report)); !kept) {
    std::fputs(fmt::format("litestream-manager: verify: {}\n", kept.error().message).c_str(), stderr);
  }
}

std::string_view source_text(const engine::VerifyReport& report) {
  switch (report.source) {
    case engine::SourceComparison::equal:
      return "equal";
    case engine::SourceComparison::differs:
      return "differs";
    case engine::SourceComparison::not_compared:
      return "not compared";
  }
  return "not compared";
}

std::string text_of(const Outcome& outcome) {
  if (!outcome.report) return fmt::format("{}  no verdict  {}\n", outcome.subject.id.value, outcome.error.message);
  const auto& report = *outcome.report;
  std::string text = fmt::format("{}  {:<8}", outcome.subject.id.value, engine::to_string(report.verdict));
  if (report.state.txid.value != 0) {
    text +=
        fmt::format("TXID {} of {}, {} in {} objects, {:.1f} s; live file: {}", base::hex16(report.state.txid.value),
                    base::to_rfc3339(report.state.timestamp), format_bytes(report.state.downloaded_bytes),
                    report.state.objects, static_cast<double>(report.duration.count()) / 1000, source_text(report));
    if (!report.source_note.empty()) text += " (" + report.source_note + ")";
    if (!report.state.checksum_proven) text += "; the objects state no checksum of the original";
  }
  text += "\n";
  for (const auto& finding : report.findings) {
    text += fmt::format("    {}: {}{}{}\n", engine::to_string(finding.verdict), finding.object,
                        finding.object.empty() ? "" : " ", finding.text);
  }
  return text;
}

nlohmann::json json_of(const Outcome& outcome) {
  nlohmann::json json = {{"client", outcome.subject.id.value}};
  if (!outcome.report) {
    json["verdict"] = nullptr;
    json["error"] = outcome.error.message;
    return json;
  }
  const auto& report = *outcome.report;
  json["verdict"] = engine::to_string(report.verdict);
  json["at"] = base::to_rfc3339(report.at);
  json["seconds"] = static_cast<double>(report.duration.count()) / 1000;
  json["readBytes"] = report.state.downloaded_bytes;
  json["objects"] = report.state.objects;
  json["checksumProven"] = report.state.checksum_proven;
  json["source"] = source_text(report);
  if (!report.source_note.empty()) json["sourceNote"] = report.source_note;
  if (report.state.txid.value != 0) {
    json["txid"] = base::hex16(report.state.txid.value);
    json["time"] = base::to_rfc3339(report.state.timestamp);
    json["databaseChecksum"] = base::hex16(report.state.database_checksum);
  }
  json["findings"] = nlohmann::json::array();
  for (const auto& finding : report.findings) {
    json["findings"].push_back(
        {{"verdict", engine::to_string(finding.verdict)}, {"object", finding.object}, {"text", finding.text}});
  }
  return json;
}

struct Counts {
  std::size_t ok = 0, warning = 0, failure = 0, none = 0;
};

Counts count(const std::vector<Outcome>& outcomes) {
  Counts counts;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.report) {
      ++counts.none;
    } else {
      switch (outcome.report->verdict) {
        case BackupVerdict::ok:
          ++counts.ok;
          break;
        case BackupVerdict::warning:
          ++counts.warning;
          break;
        case BackupVerdict::failure:
          ++counts.failure;
          break;
      }
    }
  }
  return counts;
}

ExitCode print_all(const VerifyRequest& request, const std::vector<Outcome>& outcomes, std::chrono::milliseconds took) {
  const Counts counts = count(outcomes);
  std::string text;
  if (request.json) {
    nlohmann::json results = nlohmann::json::array();
    for (const Outcome& outcome : outcomes) results.push_back(json_of(outcome));
    const nlohmann::json json = {{"clients", outcomes.size()},   {"ok", counts.ok},
                                 {"warning", counts.warning},    {"failure", counts.failure},
                                 {"noVerdict", counts.none},     {"seconds", static_cast<double>(took.count()) / 1000},
                                 {"results", std::move(results)}};
    text = json.dump() + "\n";
  } else {
    const bool one = outcomes.size() == 1;
    for (const Outcome& outcome : outcomes) {
      if (one || !outcome.report || !outcome.report->findings.empty()) text += text_of(outcome);
    }
    text +=
        fmt::format("{} clients: {} ok, {} warning, {} failure, {} without verdict; {:.1f} s\n", outcomes.size(),
                    counts.ok, counts.warning, counts.failure, counts.none, static_cast<double>(took.count()) / 1000);
  }
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (counts.failure > 0) return ExitCode::verification_failed;
  return counts.none > 0 || !written ? ExitCode::failed : ExitCode::done;
}

Result<ExitCode> verify(const VerifyRequest& request, const std::stop_token& stop) {
  TRY_ASSIGN(const auto store, open_store(request.store));
  Run run{.request = request, .store = *store, .ledger = {}, .closer = {}, .log_mutex = {}, .log = {}};
  if (!request.state_dir.empty()) {
    run.ledger = request.state_dir / "state.db";
    TRY_ASSIGN(const auto ledger, engine::read_ledger(run.ledger));
    const auto bucket = ledger.facts.find("bucket");
    if (bucket != ledger.facts.end() && bucket->second != store->display_url()) {
      return base::fail(base::Category::invalid, fmt::format("{} belongs to {}, not to {}", request.state_dir.string(),
                                                             bucket->second, store->display_url()));
    }
    TRY_ASSIGN(run.log, engine::VerificationLog::open(request.state_dir / "verifications.db"));
  }
  TRY_ASSIGN(auto subjects, choose(run, {.deadline = {}, .stop = stop}));
  std::vector<Outcome> outcomes;
  std::uint64_t weight = 0;
  for (Subject& subject : subjects) {
    weight += subject.weight;
    outcomes.push_back({.subject = std::move(subject),
                        .report = {},
                        .error = {base::Category::cancelled, "stopped before it began", {}}});
  }
  FleetProgress progress(outcomes.size(), weight);
  base::fan_out(outcomes.size(), request.parallel, stop,
                [&](std::size_t i) { verify_one(run, outcomes[i], progress, stop); });
  progress.clear();
  if (outcomes.size() == 1 && !outcomes.front().report && !request.replica.empty()) {
    return base::fail(outcomes.front().error);
  }
  return print_all(request, outcomes, progress.elapsed());
}

}  // namespace

ExitCode run_verify(const VerifyRequest& request) {
  std::stop_source stop;
  const auto signals = os::SignalWaiter::start([&stop](os::StopSignal) { stop.request_stop(); });
  if (!signals) return failed(signals.error());
  VerifyRequest completed = request;
  if (completed.temp_dir.empty()) {
    std::error_code ignored;
    completed.temp_dir = std::filesystem::temp_directory_path(ignored);
  }
  const auto done = verify(completed, stop.get_token());
  return done ? *done : failed(done.error());
}

}  // namespace cli
