#include "metrics/process_stats.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "metrics/exposition.h"

namespace metrics {

namespace {

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    if (end != 0) words.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

std::optional<std::uint64_t> parse_u64(const std::vector<std::string_view>& words, std::size_t index) {
  if (index >= words.size()) return std::nullopt;
  const std::string_view word = words[index];
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> count_open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::uint64_t count = 0;
  for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return count - 1;  // without the descriptor this very listing uses
}

std::optional<std::uint64_t> soft_fd_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

}  // namespace

// proc(5): pid (comm) state ppid ... utime(14) stime(15) ... num_threads(20) ... vsize(23) rss(24). The words after the
// last ')' begin with field 3.
ProcessStats parse_proc_stat(std::string_view line, TickSettings settings) {
  ProcessStats stats;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return stats;
  std::string_view rest = line.substr(name_end + 1);
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  const auto words = split_words(rest);
  const auto field = [&words](std::size_t number) { return parse_u64(words, number - 3); };
  const auto user = field(14);
  const auto system = field(15);
  if (user && system) {
    stats.cpu_seconds = static_cast<double>(*user + *system) / static_cast<double>(settings.ticks_per_second);
  }
  stats.threads = field(20);
  stats.virtual_bytes = field(23);
  if (const auto pages = field(24)) stats.resident_bytes = *pages * settings.page_bytes;
  return stats;
}

ProcessStats read_process_stats() {
  std::ifstream file("/proc/self/stat");
  const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const TickSettings settings{.page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)),
                              .ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK))};
  ProcessStats stats = parse_proc_stat(line, settings);
  stats.open_fds = count_open_fds();
  stats.max_fds = soft_fd_limit();
  return stats;
}

void write_process_metrics(Exposition& out, const ProcessStats& stats) {
  const auto gauge = [&out](std::string_view name, std::string_view help, std::optional<std::uint64_t> value) {
    if (value) out.gauge(name, help, *value);
  };
  if (stats.cpu_seconds) {
    out.family(Kind::counter, "process_cpu_seconds_total", "Processor time used, user and system, in seconds.");
    out.sample({}, *stats.cpu_seconds);
  }
  gauge("process_resident_memory_bytes", "Memory in RAM, in bytes.", stats.resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", stats.virtual_bytes);
  gauge("process_open_fds", "Open file descriptors.", stats.open_fds);
  gauge("process_max_fds", "Most file descriptors this process may open.", stats.max_fds);
  gauge("process_threads", "Threads of this process.", stats.threads);
}

}  // namespace metrics
