#include "world.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace simulation {

namespace {

World* g_current = nullptr;

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
  return hash;
}

// A full disk for what writes, a bad sector for the others; too many files now and then.
int error_for(Op op, Random& random) {
  switch (op) {
    case Op::open:
      return random.chance(0.5) ? EMFILE : EIO;
    case Op::write:
    case Op::name:
      return random.chance(0.5) ? ENOSPC : EIO;
    case Op::lock:
      return EINTR;
    default:
      return EIO;
  }
}

}  // namespace

struct World::Thread {
  Thread(Process* owner, std::string what, std::function<void()> body)
      : process(owner), name(std::move(what)), fiber(std::move(body)) {}
  Process* process;
  std::string name;
  Fiber fiber;
  std::uint64_t turn = 0;
};

std::string_view name_of(Op op) {
  static constexpr std::string_view kNames[kOps] = {"open", "close", "read", "write",   "truncate", "sync", "stat",
                                                    "name", "lock",  "map",  "barrier", "list",     "wait"};
  return kNames[static_cast<std::size_t>(op)];
}

double FaultRates::of(Op op) const {
  switch (op) {
    case Op::open:
    case Op::list:
    case Op::map:
      return open;
    case Op::read:
      return read;
    case Op::write:
    case Op::truncate:
      return write;
    case Op::sync:
      return sync;
    case Op::stat:
      return stat;
    case Op::name:
      return name;
    case Op::lock:
      return lock;
    case Op::close:
    case Op::barrier:
    case Op::wait:
      return 0;
  }
  return 0;
}

World::World(std::uint64_t seed) : random_(seed), hash_(seed) {
  CHECK(g_current == nullptr);
  g_current = this;
}

World::~World() {
  for (auto& thread : threads_) CHECK(thread->fiber.finished());
  g_current = nullptr;
}

World& World::current() {
  CHECK(g_current != nullptr);
  return *g_current;
}

void World::push(Due due) {
  due.order = order_++;
  heap_.push_back(std::move(due));
  std::ranges::push_heap(heap_, later);
}

Process* World::process() const {
  return running_ == nullptr ? outside_ : running_->process;
}

void World::spawn(Process& process, std::string name, std::function<void()> body) {
  threads_.push_back(std::make_unique<Thread>(&process, std::move(name), std::move(body)));
  push({now_, 0, threads_.back().get(), 0, {}});
}

void World::at(Nanos time, std::function<void()> action) {
  push({std::max(time, now_), 0, nullptr, 0, std::move(action)});
}

void World::let_pass(Nanos time) {
  CHECK(running_ != nullptr);
  Thread* self = running_;
  if (self->process->dead) return;
  const Nanos until = now_ + std::max<Nanos>(time, 0);
  // Nobody else is due before: the clock is all that moves.
  if (!heap_.empty() && heap_.front().at <= until) {
    push({until, 0, self, ++self->turn, {}});
    self->fiber.suspend();
  } else if (until <= horizon_) {
    now_ = until;
  } else {
    push({until, 0, self, ++self->turn, {}});
    self->fiber.suspend();
  }
}

void World::wait(Nanos time, Thread*& place) {
  CHECK(running_ != nullptr);
  Thread* self = running_;
  if (self->process->dead) return;
  ++self->turn;
  if (time != kForEver) push({now_ + std::max<Nanos>(time, 0), 0, self, self->turn, {}});
  place = self;
  self->fiber.suspend();
  place = nullptr;
}

void World::wake(Thread*& place) {
  Thread* thread = std::exchange(place, nullptr);
  if (thread == nullptr || thread->process->dead) return;
  push({now_, 0, thread, ++thread->turn, {}});
}

void World::kill(Process& process) {
  if (process.ending || std::exchange(process.dead, true)) return;
  ++kills;
  if (record_lines_) note(fmt::format("{} is killed", process.name));
  hash(0xdead);
  if (on_kill) on_kill(process);
  if ((running_ == nullptr ? nullptr : running_->process) == &process && before_ghost) before_ghost();
  if (running_ == nullptr) {
    reap(process);
  } else {
    at(now_, [this, &process] { reap(process); });
  }
}

void World::reap(Process& process) {
  CHECK(process.dead && running_ == nullptr);
  // The youngest first: the main thread, which joins the others, comes last.
  for (std::size_t i = threads_.size(); i-- > 0;) {
    Thread& thread = *threads_[i];
    if (thread.process == &process && !thread.fiber.finished()) resume(thread);
    CHECK(thread.process != &process || thread.fiber.finished());
  }
}

void World::resume(Thread& thread) {
  ++switches;
  running_ = &thread;
  if (thread.process->dead && before_ghost) before_ghost();
  thread.fiber.resume();
  running_ = nullptr;
  if (thread.process->dead && after_ghost) after_ghost();
}

void World::drop_finished() {
  std::erase_if(threads_, [this](const auto& thread) {
    if (!thread->fiber.finished()) return false;
    // Its last wake-up may still stand in the heap.
    return std::ranges::none_of(heap_, [&](const Due& due) { return due.thread == thread.get(); });
  });
}

int World::step(Op op, std::string_view subject, Nanos cost) {
  Process* self = process();
  if (self == nullptr || self->faultless) return self != nullptr && self->dead ? EIO : 0;
  if (self->dead) return EIO;
  ++steps;
  hash(hash_of(subject) + static_cast<std::uint64_t>(op) + (static_cast<std::uint64_t>(self->pid) << 8));
  hash(static_cast<std::uint64_t>(now_));
  if (record_lines_) {
    note(fmt::format("{}{}{}: {} {}", self->name, running_ == nullptr ? "" : "/", running_ ? running_->name : "",
                     name_of(op), subject));
  }
  if (!faults_over && random_.chance(self->kill_at_step)) {
    kill(*self);
    return EIO;
  }
  if (running_ != nullptr) {
    Nanos time = random_.between(cost / 4, cost * 2);
    if (random_.chance(stall_chance)) time += random_.between(0, stall_max);
    let_pass(time);
    if (self->dead) return EIO;
  }
  if (!faults_over && random_.chance(self->rates.of(op))) {
    ++faults[static_cast<std::size_t>(op)];
    const int number = error_for(op, random_);
    if (record_lines_) note(fmt::format("{}: {} {} FAILS with errno {}", self->name, name_of(op), subject, number));
    hash(static_cast<std::uint64_t>(number));
    return number;
  }
  return 0;
}

void World::run_until(Nanos time) {
  CHECK(running_ == nullptr);
  horizon_ = time;
  while (!heap_.empty() && heap_.front().at <= time && violation_.empty()) {
    std::ranges::pop_heap(heap_, later);
    Due due = std::move(heap_.back());
    heap_.pop_back();
    now_ = std::max(now_, due.at);
    if (due.thread == nullptr) {
      due.action();
    } else if (!due.thread->fiber.finished() && due.turn == due.thread->turn) {
      resume(*due.thread);
      if (due.thread->fiber.finished()) drop_finished();
    }
  }
  if (violation_.empty()) now_ = std::max(now_, time);
}

void World::violation(std::string text) {
  if (!violation_.empty()) return;
  if (record_lines_) note("VIOLATION: " + text);
  violation_ = std::move(text);
}

void World::note(std::string line) {
  lines_.push_back(fmt::format("{:>14.6f} {}", static_cast<double>(now_) / kSecond, std::move(line)));
}

}  // namespace simulation
