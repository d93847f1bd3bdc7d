// A pin keeps the log's current generation from being restarted while frames of it are uncaptured: a shared lock on one
// of the wal-index's read slots whose mark is unused, so it limits no checkpoint. It only saves diffs.
//
// At most one per client, at most kHold at a time, then as long free; never for an application that checkpoints with
// TRUNCATE or RESTART itself, which would have to wait for us. One thread at a time. Figures: decision 0005.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "engine/probe.h"
#include "os/file.h"
#include "os/file_lock.h"

namespace engine {

class Pin {
 public:
  static constexpr std::chrono::milliseconds kHold{20};
  static constexpr std::chrono::milliseconds kLongHold{2000};
  static constexpr std::chrono::seconds kForgetAfter{60};

  explicit Pin(Probe* probe) : probe_(probe) {}

  // Takes the pin if it is allowed and a slot is free. REQUIRES: somebody vouches for the index of `shm`; `shm` stays
  // open until release().
  void hold(const os::File& shm, base::SteadyTime now);
  // To be called at each step while held: lets go when time is up, when the mark was taken into use, or when one
  // process holds the writer and the checkpoint lock together (it wants to restart the log and we are in its way).
  void check(const os::File& shm, base::SteadyTime now);
  void release();
  // The log became shorter: this application truncates it itself.
  void learn_truncation(base::SteadyTime now) { truncates_until_ = now + kForgetAfter; }
  void allow_long(bool allow) { long_ = allow; }
  [[nodiscard]] bool held() const { return lock_.held(); }

 private:
  Probe* probe_;
  os::SharedLock lock_;
  std::uint32_t slot_ = 0;
  bool long_ = false;
  base::SteadyTime since_{};
  base::SteadyTime free_until_{};
  base::SteadyTime truncates_until_{};
};

}  // namespace engine
