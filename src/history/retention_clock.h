// What time it is for retention. A wall clock that jumps ahead (a bad time server, a dead battery) would make a whole
// history look old; what is removed does not come back. So retention's time runs after the wall clock at a limited
// rate. Pure; a value, one for the process.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace history {

class RetentionClock {
 public:
  // Retention catches up with the wall clock a day in an hour: after a jump of any length the hours of the window go
  // first, a day's worth in one hour, so there is time to notice.
  static constexpr int kCatchUp = 24;
  // So far behind, somebody should look at the clock.
  static constexpr std::chrono::hours kSuspicious{48};

  // `seed`: what now() gave when it was last written down; without that, the time of the newest object of all clients
  // (a bucket that was quiet for a month is caught up with in 30 hours); without any object, the wall clock.
  explicit RetentionClock(base::UnixMillis seed) : now_(seed) {}

  // `elapsed` since the last call or the start, by a clock that does not jump. Call it at each pass.
  void advance(base::UnixMillis wall, std::chrono::milliseconds elapsed);

  // Never after the wall clock as of the last advance().
  [[nodiscard]] base::UnixMillis now() const { return now_; }
  // How far the wall clock was ahead at the last advance(), beyond what is usual after a stop of the daemon: zero
  // unless more than kSuspicious.
  [[nodiscard]] std::chrono::milliseconds suspicious_lead() const;

 private:
  base::UnixMillis now_;
  base::UnixMillis wall_{0};
};

}  // namespace history
