// The points of a backup in order, and which of them a policy keeps. Private to the module: retention.h is what others
// see.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "history/object.h"
#include "history/retention.h"

namespace history {

struct Point {
  base::Txid txid;
  // Of the oldest object that ends here; a time after `now` counts as that of the point that follows, at most `now`.
  base::UnixMillis time{0};
  std::uint8_t reasons = 0;               // bit set of KeepReason
  std::optional<base::UnixMillis> until;  // when the last reason ends; none while `ever`
  bool ever = false;
};

constexpr std::uint8_t bit(KeepReason reason) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(reason));
}

// Ascending, one per TXID at which an object ends. O(n log n).
std::vector<Point> points_of(const Inventory& inventory, base::UnixMillis now);

using IsRestorable = std::function<bool(base::Txid)>;

// Sets reasons and until, by the policy and the pins; O(points). A point older than the window may turn out not to be
// restorable (a foreign hole, what a removal that was cut short has left): then the next older one stands in for it.
void choose_points(std::vector<Point>& points, const RetentionPolicy& policy, std::span<const Pin> pins,
                   base::UnixMillis now, const IsRestorable& is_restorable);

}  // namespace history
