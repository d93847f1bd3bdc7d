// How far a long command is, for people. Pure text here; restore_command.cpp writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace cli {

struct Progress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: not known yet
  std::chrono::milliseconds elapsed{0};
};

std::string format_bytes(std::uint64_t bytes);  // "512 B", "4.0 KiB", "1.2 GiB"

// "[#########-----]  64 %  12.0 MiB of 18.8 MiB, 6.0 MiB/s", at most `columns` wide, without line end.
std::string progress_bar(const Progress& progress, std::size_t columns);
// The same without the bar: for logs and pipes.
std::string progress_line(const Progress& progress);

// When to write the next update: a bar moves ten times a second, lines come every two seconds.
class ProgressPace {
 public:
  explicit ProgressPace(std::chrono::milliseconds interval) : interval_(interval) {}
  // True if `elapsed` (since the start) is an interval or more after the last true.
  bool due(std::chrono::milliseconds elapsed);

 private:
  std::chrono::milliseconds interval_;
  std::chrono::milliseconds last_{0};
};

}  // namespace cli
