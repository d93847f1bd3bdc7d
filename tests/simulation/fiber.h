// One thread of the simulated machine: a stack of its own that runs until it says that it waits. Always resumed by the
// one real thread; finishes by returning. An unfinished fiber must not be destroyed (CHECK): what it owns would leak.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace simulation {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it until it suspends or finishes. REQUIRES: not finished, called outside of any fiber.
  void resume();
  // Back to whoever resumed it. REQUIRES: called inside of it.
  void suspend();
  [[nodiscard]] bool finished() const;

 private:
  struct Context;
  static void enter(unsigned high, unsigned low);
  void run();

  std::function<void()> body_;
  std::unique_ptr<Context> context_;
};

}  // namespace simulation
