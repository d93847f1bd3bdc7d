// An Executor with a thread of its own: what the memory and file stores run on. Sleeps without a timeout when nothing
// is due.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "storage/executor.h"

namespace storage {

class TaskThread final : public Executor {
 public:
  TaskThread();
  // Runs what is left, then joins. Not from a task.
  ~TaskThread() override;
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  void post(Task task) override;
  void post_after(std::chrono::milliseconds delay, Task task) override;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> ready_;                        // guarded by mutex_
  std::multimap<base::SteadyTime, Task> delayed_;  // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  std::thread thread_;
};

}  // namespace storage
