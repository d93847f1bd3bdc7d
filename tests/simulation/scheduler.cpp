// engine/scheduler.h without threads: the product's own policy (engine/task_queue.h), its workers fibers of the daemon.
#include "engine/scheduler.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "machine.h"

namespace simulation {

namespace {

struct Workers {
  std::vector<World::Thread*> idle;
  unsigned running = 0;
};

// Of each scheduler that there is; its fibers share them, since those of a dead process may end later than it does.
std::map<const engine::Scheduler*, std::shared_ptr<Workers>>& workers() {
  static std::map<const engine::Scheduler*, std::shared_ptr<Workers>> all;
  return all;
}

base::SteadyTime now() {
  return base::system_clock().steady_now();
}

void wake_a_worker(Workers& workers) {
  for (World::Thread*& worker : workers.idle) {
    if (worker == nullptr) continue;
    return World::current().wake(worker);
  }
}

void run_worker(Workers& workers, engine::TaskQueue& queue, const bool& stopping, std::size_t slot) {
  World& world = World::current();
  while (!world.process()->dead && !stopping) {
    if (queue.fire_timers(now()) > 1) wake_a_worker(workers);
    engine::TaskQueue::Task* task = queue.begin();
    if (task == nullptr) {
      const auto next = queue.next_timer();
      const Nanos time = next ? std::max<Nanos>(std::chrono::nanoseconds(*next - now()).count(), 0) : World::kForEver;
      world.wait(time, workers.idle[slot]);
      continue;
    }
    world.step(Op::wait, "client", kMicro);
    const auto due = engine::TaskQueue::run(*task);
    queue.end(task, due);
    if (due) wake_a_worker(workers);
  }
  --workers.running;
}

}  // namespace

}  // namespace simulation

namespace engine {

Scheduler::Scheduler(unsigned count) {
  const auto workers = std::make_shared<simulation::Workers>(std::vector<simulation::World::Thread*>(count), count);
  simulation::workers()[this] = workers;
  simulation::World& world = simulation::World::current();
  for (unsigned i = 0; i < count; ++i) {
    world.spawn(*world.process(), "worker " + std::to_string(i),
                [this, workers, i] { simulation::run_worker(*workers, queue_, stopping_, i); });
  }
}

Scheduler::~Scheduler() {
  stop();
  simulation::workers().erase(this);
}

Scheduler::Task* Scheduler::add(Work work) {
  return queue_.add(std::move(work));
}

void Scheduler::wake(Task* task) {
  if (queue_.wake(task)) simulation::wake_a_worker(*simulation::workers()[this]);
}

bool Scheduler::at_rest() const {
  return queue_.at_rest();
}

void Scheduler::stop() {
  stopping_ = true;
  simulation::World& world = simulation::World::current();
  // Workers of a dead process have run out by themselves.
  if (!world.in_fiber() || world.process()->dead) return;
  const auto workers = simulation::workers()[this];
  for (auto& worker : workers->idle) world.wake(worker);
  while (workers->running > 0 && !world.process()->dead) world.let_pass(simulation::kMilli);
}

}  // namespace engine
