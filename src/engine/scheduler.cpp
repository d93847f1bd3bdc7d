#include "engine/scheduler.h"

#include <chrono>
#include <utility>

#include "os/process.h"

namespace engine {

Scheduler::Scheduler(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) workers_.emplace_back([this] { run_worker(); });
}

Scheduler::~Scheduler() {
  stop();
}

Scheduler::Task* Scheduler::add(Work work) {
  const std::scoped_lock lock(mutex_);
  return queue_.add(std::move(work));
}

void Scheduler::wake(Task* task) {
  const std::scoped_lock lock(mutex_);
  if (queue_.wake(task)) changed_.notify_one();
}

bool Scheduler::at_rest() const {
  const std::scoped_lock lock(mutex_);
  return queue_.at_rest();
}

void Scheduler::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

void Scheduler::run_worker() {
  os::let_applications_go_first();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // The first of those that have become ready is ours.
    for (std::size_t fired = queue_.fire_timers(std::chrono::steady_clock::now()); fired > 1; --fired) {
      changed_.notify_one();
    }
    Task* task = queue_.begin();
    if (task == nullptr) {
      if (const auto next = queue_.next_timer()) {
        changed_.wait_until(lock, *next);
      } else {
        changed_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    const auto due = TaskQueue::run(*task);
    lock.lock();
    queue_.end(task, due);
    if (due) changed_.notify_one();
  }
}

}  // namespace engine
