#include "cli/restore_command.h"

#include <cstdio>
#include <stop_token>
#include <string>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/open_store.h"
#include "cli/progress.h"
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

std::size_t terminal_columns() {
  winsize size{};
  constexpr std::size_t kUsualColumns = 80;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualColumns;
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

ExitCode failed(const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: restore: {}\n", error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

std::string_view proof_text(const engine::RestoreReport& report) {
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
  const std::string owner = report.owner_note ? fmt::format("owner     {}\n", *report.owner_note) : "";
  return fmt::format(
      "restored  {}\n"
      "state     TXID {} of {}\n"
      "size      {} in {} pages of {} bytes\n"
      "fetched   {} in {} objects, {:.1f} s\n"
      "content   {:016x}: {}\n"
      "SQLite    {}\n"
      "{}",
      request.output.string(), base::hex16(report.txid.value), base::to_rfc3339(report.timestamp),
      format_bytes(std::uint64_t{report.page_size} * report.pages), report.pages, report.page_size,
      format_bytes(report.downloaded_bytes), report.objects, static_cast<double>(elapsed.count()) / 1000,
      report.database_checksum, proof_text(report), check_text(report), owner);
}

}  // namespace

ExitCode run_restore(const RestoreRequest& request) {
  std::stop_source stop;
  // Before any other thread: Ctrl-C shall take the half-made file away, not leave it.
  const auto signals = os::SignalWaiter::start([&stop](os::StopSignal) { stop.request_stop(); });
  if (!signals) return failed(signals.error());
  const auto store = open_store(request.store);
  if (!store) return failed(store.error());

  ProgressWriter progress;
  engine::RestoreOptions options;
  options.output = request.output;
  options.on_existing = request.force ? engine::OnExistingOutput::replace : engine::OnExistingOutput::refuse;
  options.integrity_check = request.integrity_check;
  options.on_progress = [&progress](const engine::DownloadProgress& download) { progress.show(download); };
  options.context.stop = stop.get_token();
  const auto report = engine::restore_latest(**store, request.replica, options);
  progress.clear();
  if (!report) return failed(report.error());

  const std::string text = report_text(request, *report, progress.elapsed());
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
