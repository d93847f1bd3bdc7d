#include "os/process.h"

#include <array>
#include <ctime>
#include <fstream>
#include <limits>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace os {

namespace {

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(statm >> total_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  // Linux 6.2 and later report the number as the directory's size.
  struct stat raw{};
  if (::stat("/proc/self/fd", &raw) == 0 && raw.st_size > 0) return static_cast<std::uint64_t>(raw.st_size);
  const auto entries = list_directory("/proc/self/fd");
  return entries && !entries->empty() ? entries->size() - 1 : 0;  // the listing itself has one open
}

double cpu_seconds() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace

ProcessUsage process_usage() {
  return {resident_bytes(), cpu_seconds(), open_descriptors()};
}

void let_applications_go_first() {
#if defined(__linux__)
  // Linux keeps this number per thread; 0 means the calling one.
  static constexpr int kStep = 5;
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kStep);
#endif
}

std::int32_t process_id() {
  return ::getpid();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "unknown";
  return name.data();
}

std::uint32_t effective_uid() {
  return ::geteuid();
}

bool is_ours_alone(const FileStat& stat) {
  return stat.is_regular && stat.links == 1 && stat.owner_uid == effective_uid();
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<std::uint64_t>::max() : limit.rlim_cur;
}

}  // namespace os
