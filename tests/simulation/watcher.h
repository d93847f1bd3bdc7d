// Directory events of the simulated kernel, read by the daemon's watcher as InotifyWatcher reads inotify's: one queue
// in the kernel with a bound, identical neighbours merged, a position for every byte of it; a thread that reads a part
// of what waits, opens what was just created, and hands over through the product's own EventQueue.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "machine.h"
#include "os/directory_watcher.h"
#include "os/event_queue.h"

namespace simulation {

struct WatchPlan {
  std::size_t kernel_limit = 16384;   // events; then overflow
  Nanos reaction_max = 300 * kMicro;  // from an event to its reading
  double late_chance = 0.01;          // that it takes up to late_max
  Nanos late_max = 50 * kMilli;
};

class Watcher final : public os::DirectoryWatcher {
 public:
  // The thread belongs to `daemon`. Outlived by the machine and the closer.
  Watcher(Process& daemon, os::FileCloser& closer, WatchPlan plan);
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  base::Result<os::WatchId> add(const os::fs::path& directory) override;
  void remove(os::WatchId watch) override;
  std::vector<os::WatchEvent> take(std::chrono::nanoseconds timeout) override;
  void wake() override;
  std::uint64_t taken_position() override { return queue_.taken_position(); }
  std::uint64_t stream_mark() override;

  std::uint64_t overflows = 0;

 private:
  struct Raw {
    os::EventKind kind;
    os::WatchId watch;
    std::string name;
    std::uint64_t bytes;
    friend bool operator==(const Raw&, const Raw&) = default;
  };
  void on_event(os::EventKind kind, const std::string& directory, const std::string& name);
  void read_events();
  void read_chunk();
  os::WatchEvent translate(Raw raw, std::uint64_t position);
  void open_created(os::WatchEvent& event);

  Process& daemon_;
  WatchPlan plan_;
  std::deque<Raw> kernel_;
  std::uint64_t bytes_queued_ = 0, bytes_read_ = 0;
  std::unordered_map<std::string, os::WatchId> watches_;
  std::unordered_map<os::WatchId, std::string> directories_;
  os::EventQueue queue_;
  bool woken_ = false, handed_over_ = false, stopping_ = false, ended_ = false;
  World::Thread* reader_ = nullptr;
  World::Thread* router_ = nullptr;
};

}  // namespace simulation
