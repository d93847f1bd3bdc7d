// What a thread waits for that has asked a store for something. A condition variable by another name, in a file of its
// own: a simulation without threads brings another one to the linker (tests/simulation).
#pragma once

#include <condition_variable>
#include <mutex>

namespace storage {

class Arrival {
 public:
  // Any thread.
  void announce();
  // As std::condition_variable::wait: returns after an announcement, or for no reason; the caller looks again.
  void wait(std::unique_lock<std::mutex>& lock);

 private:
  std::condition_variable arrived_;
};

}  // namespace storage
