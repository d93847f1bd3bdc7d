// Termination signals as calls on a thread of their own, so that nothing runs inside a signal handler.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"

namespace os {

enum class StopSignal : std::uint8_t {
  first,     // finish what is in flight, store the rest, end
  repeated,  // end now
};

// Make one in main() before any other thread exists: it blocks SIGINT and SIGTERM in the calling thread, which threads
// started later inherit, and ignores SIGPIPE and SIGIO for the whole process. Both stay so after its destruction.
class SignalWaiter {
 public:
  virtual ~SignalWaiter() = default;  // waits for a callback that is running
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // `on_stop` is called once per signal, on the waiter's thread. io if the system refuses a descriptor.
  static base::Result<std::unique_ptr<SignalWaiter>> start(std::function<void(StopSignal)> on_stop);

 protected:
  SignalWaiter() = default;
};

}  // namespace os
