// Time as an argument. Code that decides by time takes a Clock, so that tests move it by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace base {

// Never goes back; for timeouts and due times.
using SteadyTime = std::chrono::steady_clock::time_point;
// Milliseconds since the Unix epoch, UTC: what LTX headers and the API carry.
using UnixMillis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady_now() const = 0;
  [[nodiscard]] virtual UnixMillis unix_now() const = 0;
};

// The machine's clocks. Thread safe; lives as long as the process.
const Clock& system_clock();

// "2026-11-22T20:38:17.498Z", the fraction's trailing zeros removed, as Litestream writes object metadata.
std::string to_rfc3339(UnixMillis time);

}  // namespace base
