#include "os/signals.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/file.h"
#include "os/translate.h"

namespace os {

namespace {

class SignalFdWaiter final : public SignalWaiter {
 public:
  SignalFdWaiter(File signals, File stop, std::function<void(StopSignal)> on_stop, std::function<void()> on_hangup)
      : signals_(std::move(signals)),
        stop_(std::move(stop)),
        on_stop_(std::move(on_stop)),
        on_hangup_(std::move(on_hangup)),
        thread_([this] { run(); }) {}

  ~SignalFdWaiter() override {
    const std::uint64_t one = 1;
    while (::write(stop_.descriptor(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread_.join();
  }

  SignalFdWaiter(const SignalFdWaiter&) = delete;
  SignalFdWaiter& operator=(const SignalFdWaiter&) = delete;

 private:
  void run() {
    StopSignal kind = StopSignal::first;
    for (;;) {
      std::array<pollfd, 2> ready{pollfd{signals_.descriptor(), POLLIN, 0}, pollfd{stop_.descriptor(), POLLIN, 0}};
      if (::poll(ready.data(), ready.size(), -1) < 0) continue;
      if (ready[1].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signals_.descriptor(), &info, sizeof info) != sizeof info) continue;
      if (info.ssi_signo == SIGHUP) {
        on_hangup_();
        continue;
      }
      on_stop_(std::exchange(kind, StopSignal::repeated));
    }
  }

  File signals_;
  File stop_;
  std::function<void(StopSignal)> on_stop_;
  std::function<void()> on_hangup_;
  std::thread thread_;  // last: it starts when everything else is ready
};

}  // namespace

base::Result<std::unique_ptr<SignalWaiter>> SignalWaiter::start(std::function<void(StopSignal)> on_stop,
                                                                std::function<void()> on_hangup) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that hangs up is an error of that write, not the end of the process
  std::signal(SIGIO, SIG_IGN);    // sent to lease holders
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (on_hangup) sigaddset(&set, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  File signals = File::adopt(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.is_open()) return base::fail(error_of_errno(errno, "watch", "signals"));
  File stop = File::adopt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.is_open()) return base::fail(error_of_errno(errno, "watch", "signals"));
  return std::make_unique<SignalFdWaiter>(std::move(signals), std::move(stop), std::move(on_stop),
                                          std::move(on_hangup));
}

}  // namespace os
