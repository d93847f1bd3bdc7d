// Runs tasks on a fixed number of worker threads: each task on one worker at a time, when it was woken or when the time
// that it asked for has come. A task does a bounded piece of work and returns; it never waits for the network. Ready
// tasks run in the order in which they became ready. Nothing runs while nothing is due: an idle fleet costs no wake-up.
//
// Thread safe. Cost: 1 to 2 us per wake; about 200 bytes per task.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace engine {

class Scheduler {
 public:
  // Does its work and says when it wants to run again without being woken; nullopt: only when woken.
  using Work = std::function<std::optional<base::SteadyTime>()>;
  struct Task;

  explicit Scheduler(unsigned workers);
  ~Scheduler();  // stops and waits for what is running
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The task lives as long as the scheduler. It does not run before it is woken.
  Task* add(Work work);
  // Soon; a wake during a run causes another run. Calls while it is queued are one.
  void wake(Task* task);
  // No task runs or is ready (timers may be pending).
  [[nodiscard]] bool at_rest() const;
  // No task starts any more; returns when the running ones are done.
  void stop();

 private:
  struct Timer {
    base::SteadyTime due;
    Task* task;
    std::uint64_t generation;
    friend bool operator>(const Timer& a, const Timer& b) { return a.due > b.due; }
  };
  void run_worker();
  void make_ready(Task* task);
  std::optional<base::SteadyTime> fire_timers(base::SteadyTime now);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Task>> tasks_;
  std::deque<Task*> ready_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  unsigned running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace engine
