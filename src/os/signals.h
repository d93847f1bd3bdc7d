// Signals of an operator as calls on a thread of their own, so that nothing runs inside a signal handler.
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

  // Each is called once per signal, on the waiter's thread. `on_hangup` is for SIGHUP; empty: that signal is left as it
  // is (it ends the process). io if the system refuses a descriptor.
  static base::Result<std::unique_ptr<SignalWaiter>> start(std::function<void(StopSignal)> on_stop,
                                                           std::function<void()> on_hangup = {});

 protected:
  SignalWaiter() = default;
};

}  // namespace os
