// The simulated machine's time and threads. One real thread takes the next thing that is due in virtual time: a fiber
// that goes on, or an action. Every call that the simulated programs make to their machine is a step: it costs a drawn
// amount of virtual time, in which others go on, and it may fail by the seed's plan. So what interleaves, and what
// fails, is decided by the seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fiber.h"
#include "random.h"

namespace simulation {

using Nanos = std::int64_t;
inline constexpr Nanos kMicro = 1000, kMilli = 1'000'000, kSecond = 1'000'000'000;

// What a program asks its machine for.
enum class Op : std::uint8_t { open, close, read, write, truncate, sync, stat, name, lock, map, barrier, list, wait };
inline constexpr int kOps = 13;
std::string_view name_of(Op op);

// How often a call of each kind fails, and with which error.
struct FaultRates {
  double open = 0, read = 0, write = 0, sync = 0, stat = 0, name = 0, lock = 0;
  [[nodiscard]] double of(Op op) const;
};

// A program on the simulated machine. Once dead, what is left of its threads runs to its end without any effect.
struct Process {
  std::int32_t pid = 0;
  std::string name;
  bool is_daemon = false;
  bool dead = false;
  bool ending = false;         // joins its threads: not killed in the middle of that
  bool faultless = false;      // what it asks for now does not fail and takes no time (state.db of the daemon, checks)
  bool stopped_by_us = false;  // a lock that only the daemon held refused it since this was last cleared
  FaultRates rates;
  double kill_at_step = 0;  // chance to be killed instead of making a step
};

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The world that runs now: what replaces the operating system has no other way to it.
  static World& current();

  [[nodiscard]] Nanos now() const { return now_; }
  Random& random() { return random_; }

  // Threads. A fiber belongs to a process; nullptr: outside of all programs.
  void spawn(Process& process, std::string name, std::function<void()> body);
  [[nodiscard]] Process* process() const;
  // For calls outside of any fiber that act for a process (its start and end).
  Process* act_for(Process* process) { return std::exchange(outside_, process); }
  // In a fiber: others run for so long. Returns at once in a dead process.
  void let_pass(Nanos time);
  // In a fiber: until somebody wakes it, `time` at most; kForEver is for ever. Who waits says where, in `place`.
  struct Thread;
  static constexpr Nanos kForEver = -1;
  void wait(Nanos time, Thread*& place);
  // Whoever waits at `place` goes on now.
  void wake(Thread*& place);
  void at(Nanos time, std::function<void()> action);
  // Marks it dead and lets its fibers run out at once. Its descriptors and locks are for the disk to take.
  void kill(Process& process);
  // Outside of fibers: lets the fibers of a dead process finish. REQUIRES: dead.
  void reap(Process& process);
  [[nodiscard]] bool in_fiber() const { return running_ != nullptr; }

  // One call of a program to its machine, before it has its effect. 0: go on; else the errno with which it fails.
  // `cost` in virtual time is drawn around it.
  int step(Op op, std::string_view subject, Nanos cost = 3 * kMicro);

  // Runs until `time`, or until nothing is due any more, or until there is a violation.
  void run_until(Nanos time);
  [[nodiscard]] bool idle() const { return heap_.empty(); }

  // The first thing that was found wrong; empty: nothing. Everything stops soon after.
  void violation(std::string text);
  [[nodiscard]] const std::string& violated() const { return violation_; }

  // The trace. Its hash always, its lines only when somebody will read them.
  void record_lines() { record_lines_ = true; }
  [[nodiscard]] bool records_lines() const { return record_lines_; }
  void note(std::string line);  // call it only if records_lines()
  void hash(std::uint64_t value) { hash_ = mixed(hash_ ^ value); }
  [[nodiscard]] std::uint64_t trace_hash() const { return hash_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  std::uint64_t steps = 0, switches = 0;
  std::uint64_t faults[kOps] = {};
  std::uint64_t kills = 0;
  double stall_chance = 0.003;  // that a thread loses the processor for milliseconds
  Nanos stall_max = 20 * kMilli;
  bool faults_over = false;
  std::function<void(Process&)> on_kill;  // takes its descriptors and locks
  // Around what is left of a dead thread: memory that it shares with others stays as it was at its death.
  std::function<void()> before_ghost, after_ghost;

 private:
  struct Due {
    Nanos at;
    std::uint64_t order;
    Thread* thread;      // or the action
    std::uint64_t turn;  // of the thread: an older one is void
    std::function<void()> action;
  };
  static bool later(const Due& a, const Due& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  void push(Due due);
  void resume(Thread& thread);
  void drop_finished();

  Nanos now_ = 0;
  Nanos horizon_ = 0;  // of run_until(): no clock moves beyond it
  Random random_;
  std::vector<Due> heap_;
  std::uint64_t order_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
  Thread* running_ = nullptr;
  Process* outside_ = nullptr;
  std::string violation_;
  std::uint64_t hash_ = 0;
  bool record_lines_ = false;
  std::vector<std::string> lines_;
};

}  // namespace simulation
