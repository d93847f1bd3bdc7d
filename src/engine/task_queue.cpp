#include "engine/task_queue.h"

#include <utility>

namespace engine {

struct TaskQueue::Task {
  Work work;
  bool ready = false;
  bool running = false;
  bool again = false;
  std::uint64_t generation = 0;  // of its timer; older timers in the heap are void
};

TaskQueue::TaskQueue() = default;
TaskQueue::~TaskQueue() = default;

TaskQueue::Task* TaskQueue::add(Work work) {
  auto task = std::make_unique<Task>();
  task->work = std::move(work);
  tasks_.push_back(std::move(task));
  return tasks_.back().get();
}

bool TaskQueue::wake(Task* task) {
  if (task->ready) return false;
  if (task->running) {
    task->again = true;
    return false;
  }
  task->ready = true;
  ready_.push_back(task);
  return true;
}

std::size_t TaskQueue::fire_timers(base::SteadyTime now) {
  std::size_t fired = 0;
  while (!timers_.empty()) {
    const Timer& first = timers_.top();
    if (first.generation == first.task->generation) {
      if (first.due > now) break;
      if (wake(first.task)) ++fired;
    }
    timers_.pop();
  }
  return fired;
}

TaskQueue::Task* TaskQueue::begin() {
  if (ready_.empty()) return nullptr;
  Task* task = ready_.front();
  ready_.pop_front();
  task->ready = false;
  task->running = true;
  ++task->generation;
  ++running_;
  return task;
}

std::optional<base::SteadyTime> TaskQueue::run(Task& task) {
  return task.work();
}

void TaskQueue::end(Task* task, std::optional<base::SteadyTime> due) {
  --running_;
  task->running = false;
  if (std::exchange(task->again, false)) {
    wake(task);
  } else if (due) {
    timers_.push({*due, task, task->generation});
  }
}

std::optional<base::SteadyTime> TaskQueue::next_timer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.top().due;
}

}  // namespace engine
