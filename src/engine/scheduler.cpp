#include "engine/scheduler.h"

#include <utility>

#include "os/process.h"

namespace engine {

struct Scheduler::Task {
  Work work;
  bool ready = false;
  bool running = false;
  bool again = false;
  std::uint64_t generation = 0;  // of its timer; older timers in the heap are void
};

Scheduler::Scheduler(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) workers_.emplace_back([this] { run_worker(); });
}

Scheduler::~Scheduler() {
  stop();
}

Scheduler::Task* Scheduler::add(Work work) {
  auto task = std::make_unique<Task>();
  task->work = std::move(work);
  const std::scoped_lock lock(mutex_);
  tasks_.push_back(std::move(task));
  return tasks_.back().get();
}

void Scheduler::make_ready(Task* task) {
  if (task->ready) return;
  if (task->running) {
    task->again = true;
    return;
  }
  task->ready = true;
  ready_.push_back(task);
  changed_.notify_one();
}

void Scheduler::wake(Task* task) {
  const std::scoped_lock lock(mutex_);
  make_ready(task);
}

bool Scheduler::at_rest() const {
  const std::scoped_lock lock(mutex_);
  return running_ == 0 && ready_.empty();
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

std::optional<base::SteadyTime> Scheduler::fire_timers(base::SteadyTime now) {
  while (!timers_.empty()) {
    const Timer& first = timers_.top();
    if (first.generation == first.task->generation) {
      if (first.due > now) return first.due;
      make_ready(first.task);
    }
    timers_.pop();
  }
  return std::nullopt;
}

void Scheduler::run_worker() {
  os::let_applications_go_first();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next_timer = fire_timers(std::chrono::steady_clock::now());
    if (ready_.empty()) {
      if (next_timer) {
        changed_.wait_until(lock, *next_timer);
      } else {
        changed_.wait(lock);
      }
      continue;
    }
    Task* task = ready_.front();
    ready_.pop_front();
    task->ready = false;
    task->running = true;
    ++task->generation;
    ++running_;
    lock.unlock();
    const auto due = task->work();
    lock.lock();
    --running_;
    task->running = false;
    if (std::exchange(task->again, false)) {
      make_ready(task);
    } else if (due) {
      timers_.push({*due, task, task->generation});
      changed_.notify_one();
    }
  }
}

}  // namespace engine
