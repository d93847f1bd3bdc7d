#include "fleet/watcher_stream.h"

#include <chrono>

namespace fleet {

namespace {
constexpr std::chrono::milliseconds kLimit{100};
constexpr std::chrono::milliseconds kNudge{1};
}  // namespace

bool WatcherStream::wait_delivered(std::uint64_t mark) {
  if (delivered() >= mark) return true;
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  std::unique_lock lock(mutex_);
  while (delivered() < mark) {
    // The rest may be events that concern nobody: the router then has to be asked how far the stream was read.
    watcher_.wake();
    moved_.wait_for(lock, kNudge);
    if (std::chrono::steady_clock::now() >= deadline) return delivered() >= mark;
  }
  return true;
}

void WatcherStream::deliver(std::uint64_t position) {
  if (position <= delivered()) return;
  {
    const std::scoped_lock lock(mutex_);
    delivered_.store(position, std::memory_order_release);
  }
  moved_.notify_all();
}

}  // namespace fleet
