// A few threads for work that blocks on a disk. Started one by one as work comes in, so a store that is never used has
// none; idle ones sleep without a timeout.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/executor.h"

namespace storage {

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads_max) : threads_max_(threads_max) {}
  // Runs what is left, then joins. Not from a task; nothing may be posted any more.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Tasks begin in order of posting and run side by side. Any thread; never blocks.
  void post(Task task);

 private:
  void run();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_, as the rest
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace storage
