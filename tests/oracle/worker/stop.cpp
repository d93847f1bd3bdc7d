#include "oracle/worker/stop.h"

#include <algorithm>
#include <csignal>
#include <ctime>

namespace oracle {

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void hold_back_stop_requests() {
  const sigset_t signals = stop_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

bool stop_requested_before(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::nanoseconds;
  const auto left = std::max(nanoseconds(0), nanoseconds(deadline - std::chrono::steady_clock::now()));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  timespec limit{};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = (left - seconds).count();
  const sigset_t signals = stop_signals();
  return sigtimedwait(&signals, nullptr, &limit) == SIGTERM;
}

}  // namespace oracle
