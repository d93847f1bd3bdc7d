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

// For threads that may take long: where processors are scarce the calling thread comes after the applications, where
// they are not nothing changes. Needs no privilege; no effect where the system has no such thing.
void let_applications_go_first();

}  // namespace os
