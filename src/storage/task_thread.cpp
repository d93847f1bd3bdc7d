#include "storage/task_thread.h"

#include "os/process.h"

namespace storage {

TaskThread::TaskThread() : thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void TaskThread::post(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    ready_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void TaskThread::post_after(std::chrono::milliseconds delay, Task task) {
  {
    const std::scoped_lock lock(mutex_);
    delayed_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
  }
  wake_.notify_one();
}

void TaskThread::run() {
  os::let_applications_go_first();
  std::unique_lock lock(mutex_);
  for (;;) {
    const base::SteadyTime now = std::chrono::steady_clock::now();
    while (!delayed_.empty() && (stopping_ || delayed_.begin()->first <= now)) {
      ready_.push_back(std::move(delayed_.begin()->second));
      delayed_.erase(delayed_.begin());
    }
    if (!ready_.empty()) {
      std::vector<Task> tasks;
      tasks.swap(ready_);
      lock.unlock();
      for (Task& task : tasks) task();
      tasks.clear();
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (delayed_.empty()) {
      wake_.wait(lock);
    } else {
      const base::SteadyTime due = delayed_.begin()->first;  // a copy: the entry may go while we wait
      wake_.wait_until(lock, due);
    }
  }
}

}  // namespace storage
