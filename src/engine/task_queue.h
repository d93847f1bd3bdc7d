// Which task runs next: the policy of the scheduler, without threads, locks or a clock of its own. Tasks run in the
// order in which they became ready, each at most once at a time; a task that is woken while it runs runs again. The
// threads around it are in scheduler.h; tests/simulation runs the same policy in virtual time.
//
// One thread at a time. Cost: O(log n) a timer, O(1) a wake; about 200 bytes per task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace engine {

class TaskQueue {
 public:
  // Does its work and says when it wants to run again without being woken; nullopt: only when woken.
  using Work = std::function<std::optional<base::SteadyTime>()>;
  struct Task;

  TaskQueue();
  ~TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  // The task lives as long as the queue. It is not ready before it is woken.
  Task* add(Work work);
  // True: it is ready now and was not before, so somebody should begin() it.
  bool wake(Task* task);

  // Tasks whose time has come become ready; returns how many.
  std::size_t fire_timers(base::SteadyTime now);
  // Takes the first ready task; nullptr: none. Its work may be called from now on, until end().
  Task* begin();
  static std::optional<base::SteadyTime> run(Task& task);  // calls its work; the one thing to do outside of a lock
  // REQUIRES: begin() gave it. `due`: what its work answered; of no account if it was woken meanwhile.
  void end(Task* task, std::optional<base::SteadyTime> due);

  // When the first timer fires; nullopt: none is set. May name a timer that was overtaken by a wake.
  [[nodiscard]] std::optional<base::SteadyTime> next_timer() const;
  // No task runs or is ready (timers may be pending).
  [[nodiscard]] bool at_rest() const { return running_ == 0 && ready_.empty(); }

 private:
  struct Timer {
    base::SteadyTime due;
    Task* task;
    std::uint64_t generation;
    friend bool operator>(const Timer& a, const Timer& b) { return a.due > b.due; }
  };

  std::deque<std::unique_ptr<Task>> tasks_;
  std::deque<Task*> ready_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  unsigned running_ = 0;
};

}  // namespace engine
