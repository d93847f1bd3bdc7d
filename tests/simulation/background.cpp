// storage/worker_pool.h and storage/arrival.h in virtual time: its threads are fibers of the daemon, and who waits for
// the store lets the others go on.
#include "machine.h"
#include "storage/arrival.h"
#include "storage/worker_pool.h"

namespace storage {

namespace {

simulation::World& world() {
  return simulation::World::current();
}

}  // namespace

WorkerPool::~WorkerPool() {
  stopping_ = true;
  // `idle_` counts the fibers. Those of a dead process have run out by themselves.
  while (idle_ > 0 && world().in_fiber() && !world().process()->dead) world().let_pass(simulation::kMilli);
}

void WorkerPool::post(Task task) {
  tasks_.push_back(std::move(task));
  if (idle_ == threads_max_) return;
  ++idle_;
  world().spawn(*world().process(), "background", [this] { run(); });
}

void WorkerPool::run() {
  while (!tasks_.empty()) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
  --idle_;
}

void Arrival::announce() {}

void Arrival::wait(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  if (world().process()->dead) {
    // The store answers nobody any more: what it still owes is refused here, so that the rest of the thread can end.
    simulation::Machine::current().refuse_requests();
  } else {
    world().let_pass(world().random().between(50 * simulation::kMicro, simulation::kMilli));
  }
  lock.lock();
}

}  // namespace storage
