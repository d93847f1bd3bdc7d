#include "cli/restore_command.h"

#include <cstdio>
#include <stop_token>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/fleet_progress.h"
#include "cli/fork_command.h"
#include "cli/open_store.h"
#include "cli/progress.h"
#include "cli/restore_estimate.h"
#include "engine/restore.h"
#include "os/signals.h"

namespace cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBarInterval{100};
constexpr milliseconds kLineInterval{2000};

milliseconds since(base::SteadyTime start) {
  return std::chrono::duration_cast<milliseconds>(base::system_clock().steady_now() - start);
}

// Progress on standard error: one bar that moves, or lines where nobody could see it move.
class ProgressWriter {
 public:
  void show(const engine::DownloadProgress& download) {
    const milliseconds elapsed = since(start_);
    if (!pace_.due(elapsed)) return;
    const Progress progress{download.bytes_done, download.bytes_total, elapsed};
    if (on_terminal_) {
      std::fputs(fmt::format("\r\x1b[K{}", progress_bar(progress, terminal_columns() - 1)).c_str(), stderr);
    } else {
      std::fputs((progress_line(progress) + "\n").c_str(), stderr);
    }
  }
  void clear() const {
    if (on_terminal_) std::fputs("\r\x1b[K", stderr);
  }
  [[nodiscard]] milliseconds elapsed() const { return since(start_); }

 private:
  const bool on_terminal_ = isatty(STDERR_FILENO) == 1;
  const base::SteadyTime start_ = base::system_clock().steady_now();
  ProgressPace pace_{on_terminal_ ? kBarInterval : kLineInterval};
};

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::string_view command_name(const RestoreRequest& request) {
  return request.new_client.empty() ? "restore" : "fork";
}

ExitCode failed(const RestoreRequest& request, const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: {}: {}\n", command_name(request), error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

std::string_view proof_text(const engine::RestoreReport& report) {
  if (report.txid.value == 0) return "no checksum (Litestream 0.3)";
  return report.checksum_proven ? "equals the checksum of the original"
                                : "the backup carries no checksum of the original";
}

std::string check_text(const engine::RestoreReport& report) {
  if (report.integrity_note) return "not finished: " + *report.integrity_note;
  switch (report.integrity_check) {
    case engine::IntegrityCheck::none:
      return "none";
    case engine::IntegrityCheck::quick:
      return "quick check passed";
    case engine::IntegrityCheck::full:
      return "full check passed";
  }
  return "none";
}

std::string report_text(const RestoreRequest& request, const engine::RestoreReport& report, milliseconds elapsed) {
  const std::string client =
      request.new_client.empty()
          ? ""
          : fmt::format("client    {}: a daemon that watches {} backs it up as databases/{}\n", request.new_client,
                        directory_of(request.output).string(), request.new_client);
  const std::string owner = report.owner_note ? fmt::format("owner     {}\n", *report.owner_note) : "";
  return fmt::format(
      "restored  {}\n"
      "state     TXID {} of {}\n"
      "size      {} in {} pages of {} bytes\n"
      "fetched   {} in {} objects, {:.1f} s{}\n"
      "content   {:016x}: {}\n"
      "SQLite    {}\n"
      "{}{}",
      request.output.string(), base::hex16(report.txid.value), base::to_rfc3339(report.timestamp),
      format_bytes(std::uint64_t{report.page_size} * report.pages), report.pages, report.page_size,
      format_bytes(report.downloaded_bytes), report.objects, static_cast<double>(elapsed.count()) / 1000,
      report.resumed_bytes == 0 ? "" : fmt::format("; {} were there already", format_bytes(report.resumed_bytes)),
      report.database_checksum, proof_text(report), check_text(report), client, owner);
}

}  // namespace

namespace {

std::string report_json(const RestoreRequest& request, const engine::RestoreReport& report, milliseconds elapsed) {
  nlohmann::json json = {{"output", request.output.string()},
                         {"txid", base::hex16(report.txid.value)},
                         {"time", base::to_rfc3339(report.timestamp)},
                         {"pageSize", report.page_size},
                         {"pages", report.pages},
                         {"objects", report.objects},
                         {"fetchedBytes", report.downloaded_bytes},
                         {"resumedBytes", report.resumed_bytes},
                         {"seconds", static_cast<double>(elapsed.count()) / 1000},
                         {"checksumProven", report.checksum_proven},
                         {"sqliteCheck", check_text(report)},
                         {"damaged", report.damaged}};
  if (!request.new_client.empty()) json["client"] = request.new_client;
  if (report.database_checksum != 0) json["databaseChecksum"] = base::hex16(report.database_checksum);
  return json.dump() + "\n";
}

ExitCode print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? ExitCode::done : ExitCode::failed;
}

}  // namespace

ExitCode run_restore(const RestoreRequest& request) {
  std::stop_source stop;
  // Before any other thread: Ctrl-C shall leave what the next run can go on from, and nothing else.
  const auto signals = os::SignalWaiter::start([&stop](os::StopSignal) { stop.request_stop(); });
  if (!signals) return failed(request, signals.error());
  const auto store = open_store(request.store);
  if (!store) return failed(request, store.error());
  if (!request.new_client.empty()) {
    if (auto may = check_fork(**store, request); !may) return failed(request, may.error());
  }

  if (request.dry_run) {
    const auto plan = describe_restore(**store, request, {.deadline = {}, .stop = stop.get_token()});
    return plan ? print(*plan) : failed(request, plan.error());
  }

  ProgressWriter progress;
  engine::RestoreOptions options;
  options.output = request.output;
  options.on_existing = request.force ? engine::OnExistingOutput::replace : engine::OnExistingOutput::refuse;
  if (!request.new_client.empty()) options.owner_as = directory_of(request.output);
  options.target = request.target;
  options.parallel_downloads = request.parallel;
  options.integrity_check = request.integrity_check;
  options.on_progress = [&progress](const engine::DownloadProgress& download) { progress.show(download); };
  options.context.stop = stop.get_token();
  const auto report = engine::restore(**store, request.replica, options);
  progress.clear();
  if (!report) return failed(request, report.error());

  for (const std::string& damage : report->damaged) {
    std::fputs(fmt::format("litestream-manager: {}: done without a damaged object: {}\n", command_name(request), damage)
                   .c_str(),
               stderr);
  }
  const milliseconds elapsed = progress.elapsed();
  return print(request.json ? report_json(request, *report, elapsed) : report_text(request, *report, elapsed));
}

}  // namespace cli
