// Bounded queue between the thread that reads the kernel's events and the one that handles them. Part of the watcher;
// nobody else includes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "os/closer.h"
#include "os/directory_watcher.h"

namespace os {

class EventQueue {
 public:
  // `limit` >= 1 events. Files of events that are dropped go to `closer`, which must outlive the queue.
  EventQueue(std::size_t limit, FileCloser& closer) : limit_(limit), closer_(closer) {}

  // Appends and empties `batch`; everything up to `position` of the stream is then either queued or was of no interest.
  // A `modified` that follows a `modified` of the same entry merges with it (the later position stands). An `overflow`
  // among them, or a full queue, drops all that is queued and leaves one `overflow`. Never blocks for the consumer.
  void push(std::vector<WatchEvent>& batch, std::uint64_t position);

  // As DirectoryWatcher::take, wake and taken_position.
  std::vector<WatchEvent> take(std::chrono::nanoseconds timeout);
  void wake();
  std::uint64_t taken_position();

 private:
  void append(WatchEvent event, std::vector<WatchEvent>& dropped);

  const std::size_t limit_;
  FileCloser& closer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WatchEvent> events_;
  std::uint64_t pushed_position_ = 0;
  std::uint64_t taken_position_ = 0;
  bool woken_ = false;
};

}  // namespace os
