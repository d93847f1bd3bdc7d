// The same work for many clients, some at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

namespace base {

// Calls `work(i)` for i = 0 .. count - 1 on up to `threads` threads, in that order; returns when all calls are done.
// After a stop no further call begins. `work` throws nothing.
inline void fan_out(std::size_t count, std::size_t threads, const std::stop_token& stop,
                    const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count && !stop.stop_requested(); i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads && i < count; ++i) others.emplace_back(run);
  run();
}

}  // namespace base
