// The watcher's stream of events as the engine sees it: how far it was handed to the clients.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "engine/file_event.h"
#include "os/directory_watcher.h"

namespace fleet {

class WatcherStream final : public engine::EventStream {
 public:
  explicit WatcherStream(os::DirectoryWatcher& watcher) : watcher_(watcher) {}

  [[nodiscard]] std::uint64_t delivered() const override { return delivered_.load(std::memory_order_acquire); }
  std::uint64_t mark() override { return watcher_.stream_mark(); }
  bool wait_delivered(std::uint64_t mark) override;

  // The router's: all events at or before `position` are in their mailboxes now.
  void deliver(std::uint64_t position);

 private:
  os::DirectoryWatcher& watcher_;
  std::atomic<std::uint64_t> delivered_{0};
  std::mutex mutex_;
  std::condition_variable moved_;
};

}  // namespace fleet
