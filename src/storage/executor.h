// Where a store's callbacks run: one thread that takes tasks. Every store has one; RetryingStore borrows the inner
// store's to wait between attempts, so that all callbacks of a store come from the same thread.
#pragma once

#include <chrono>
#include <functional>

namespace storage {

using Task = std::move_only_function<void()>;

// Any thread may call; nothing blocks. Each task runs exactly once on the executor's thread, in order of posting, or of
// due time for delayed ones. Tasks must not block (FileStore's own work excepted). When the owner is destroyed the
// remaining tasks run at once, delayed ones included: a task that should then do less asks the state it belongs to.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
  virtual void post_after(std::chrono::milliseconds delay, Task task) = 0;
};

}  // namespace storage
