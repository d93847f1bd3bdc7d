#include "cli/fleet_progress.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBarInterval{100};
constexpr milliseconds kLineInterval{2000};
constexpr double kShareForEstimate = 0.02;
constexpr std::size_t kBarWidth = 20;

double share(const FleetCount& count) {
  if (count.weight_total > 0) {
    return std::min(1.0, static_cast<double>(count.weight_done) / static_cast<double>(count.weight_total));
  }
  return count.total == 0 ? 1.0 : static_cast<double>(count.done) / static_cast<double>(count.total);
}

std::string left_text(const FleetCount& count) {
  const double done = share(count);
  if (done < kShareForEstimate || count.done == count.total) return "";
  const double seconds = static_cast<double>(count.elapsed.count()) / 1000 * (1 - done) / done;
  if (seconds < 120) return fmt::format(", about {:.0f} s left", seconds);
  return fmt::format(", about {:.0f} min left", seconds / 60);
}

}  // namespace

std::string fleet_line(const FleetCount& count) {
  std::string text = fmt::format("{} of {} clients, {} read", count.done, count.total, format_bytes(count.bytes));
  if (count.elapsed.count() > 0) {
    const double rate = static_cast<double>(count.bytes) * 1000 / static_cast<double>(count.elapsed.count());
    text += fmt::format(", {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
  }
  return text + left_text(count);
}

std::string fleet_bar(const FleetCount& count, std::size_t columns) {
  const auto filled = static_cast<std::size_t>(share(count) * static_cast<double>(kBarWidth));
  const std::string text =
      fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(kBarWidth - filled, '-'), fleet_line(count));
  return text.substr(0, columns);
}

std::size_t terminal_columns() {
  winsize size{};
  constexpr std::size_t kUsualColumns = 80;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualColumns;
}

FleetProgress::FleetProgress(std::size_t clients, std::uint64_t weight)
    : on_terminal_(isatty(STDERR_FILENO) == 1),
      start_(base::system_clock().steady_now()),
      pace_(on_terminal_ ? kBarInterval : kLineInterval) {
  count_.total = clients;
  count_.weight_total = weight;
}

milliseconds FleetProgress::elapsed() const {
  return std::chrono::duration_cast<milliseconds>(base::system_clock().steady_now() - start_);
}

void FleetProgress::read(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  count_.bytes += bytes;
  show();
}

void FleetProgress::done(std::uint64_t weight) {
  const std::scoped_lock lock(mutex_);
  ++count_.done;
  count_.weight_done += weight;
  show();
}

void FleetProgress::show() {
  count_.elapsed = elapsed();
  if (!pace_.due(count_.elapsed)) return;
  if (on_terminal_) {
    std::fputs(fmt::format("\r\x1b[K{}", fleet_bar(count_, terminal_columns() - 1)).c_str(), stderr);
  } else {
    std::fputs((fleet_line(count_) + "\n").c_str(), stderr);
  }
}

void FleetProgress::clear() {
  if (on_terminal_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace cli
