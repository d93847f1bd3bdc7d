// CHECK ends the process with a report when an invariant of ours is broken. Always on. Never for input: bytes from
// disk, network or a user are answered with an Error.
#pragma once

namespace base {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace base

#define CHECK(expression)                                                   \
  do {                                                                      \
    if (!(expression)) base::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
