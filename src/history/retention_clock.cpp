#include "history/retention_clock.h"

#include <algorithm>

namespace history {

void RetentionClock::advance(base::UnixMillis wall, std::chrono::milliseconds elapsed) {
  wall_ = wall;
  now_ = std::min(wall, now_ + std::max(elapsed, std::chrono::milliseconds{0}) * kCatchUp);
}

std::chrono::milliseconds RetentionClock::suspicious_lead() const {
  return wall_ - now_ > kSuspicious ? wall_ - now_ : std::chrono::milliseconds{0};
}

}  // namespace history
