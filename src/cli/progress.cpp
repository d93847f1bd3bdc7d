#include "cli/progress.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace cli {
namespace {

// Of 0 to 1. A total that turns out too small never shows more than everything.
double share(const Progress& progress) {
  if (progress.bytes_total == 0) return 0;
  return std::min(1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total));
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string progress_line(const Progress& progress) {
  std::string text = format_bytes(progress.bytes_done);
  if (progress.bytes_total > 0) {
    text = fmt::format("{:3.0f} %  {} of {}", share(progress) * 100, text, format_bytes(progress.bytes_total));
  }
  if (progress.elapsed.count() > 0) {
    const double rate = static_cast<double>(progress.bytes_done) * 1000 / static_cast<double>(progress.elapsed.count());
    text += fmt::format(", {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
  }
  return text;
}

std::string progress_bar(const Progress& progress, std::size_t columns) {
  constexpr std::size_t kFrame = 3;  // brackets and the space behind them
  constexpr std::size_t kMinBar = 8;
  const std::string line = progress_line(progress);
  if (line.size() + kFrame + kMinBar > columns) return line.substr(0, columns);
  const std::size_t width = std::min<std::size_t>(columns - line.size() - kFrame, 40);
  const auto filled = static_cast<std::size_t>(share(progress) * static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "] " + line;
}

bool ProgressPace::due(std::chrono::milliseconds elapsed) {
  if (elapsed - last_ < interval_) return false;
  last_ = elapsed;
  return true;
}

}  // namespace cli
