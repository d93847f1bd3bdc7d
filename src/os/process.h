// This process and the machine that it runs on, as numbers for status, metrics and log.
#pragma once

#include <cstdint>
#include <string>

namespace os {

struct ProcessUsage {
  std::uint64_t resident_bytes = 0;
  double cpu_seconds = 0;  // user and system together
  std::uint64_t open_descriptors = 0;
};

// Any thread. Three system calls on recent kernels; older ones have to count the descriptors one by one. A number that
// the system does not tell is 0.
ProcessUsage process_usage();

std::int32_t process_id();
std::string host_name();  // "unknown" where it cannot be told

// How a thread competes with the applications for processors.
enum class ThreadUrgency : std::uint8_t {
  urgent,      // does next to nothing, but soon: before others where we are allowed to (root, CAP_SYS_NICE)
  background,  // may take long: after others where processors are scarce, unhindered where they are not
};
// Of the calling thread. Where the system has no such thing, or does not allow it, nothing changes.
void set_thread_urgency(ThreadUrgency urgency);

}  // namespace os
