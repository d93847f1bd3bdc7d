// What this process uses, read from /proc/self at the moment of the call. A figure that the system does not give is
// absent, not zero. Thread safe; reads three small files and one directory, about 50 us.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace metrics {

class Exposition;

struct ProcessStats {
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<double> cpu_seconds;  // user and system, all threads
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;  // soft limit
  std::optional<std::uint64_t> threads;
};

ProcessStats read_process_stats();

// Parses the line of /proc/PID/stat; exposed for tests. The command name in it may hold spaces and parentheses.
struct TickSettings {
  std::uint64_t page_bytes = 4096;
  std::uint64_t ticks_per_second = 100;
};
ProcessStats parse_proc_stat(std::string_view line, TickSettings settings);

// The names every Prometheus client library uses: process_resident_memory_bytes and so on.
void write_process_metrics(Exposition& out, const ProcessStats& stats);

}  // namespace metrics
