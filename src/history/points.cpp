#include "history/points.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <tuple>

#include "history/calendar.h"

namespace history {
namespace {

using base::Txid;
using base::UnixMillis;

void keep(Point& point, KeepReason reason, std::optional<UnixMillis> until) {
  point.reasons |= bit(reason);
  if (!until) point.ever = true;
  if (until) point.until = std::max(point.until.value_or(*until), *until);
  if (point.ever) point.until.reset();
}

// The window's points, and before each stretch of them the point that stands while the first one is not yet made: a
// restore to a time between the two gives it.
void keep_window(std::vector<Point>& points, std::chrono::milliseconds window, UnixMillis now,
                 const IsRestorable& is_restorable) {
  const UnixMillis begin = floor_hour(now) - window;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].time < begin) continue;
    const UnixMillis until = floor_hour(points[i].time + window) + std::chrono::hours{1};
    keep(points[i], KeepReason::window, until);
    if (i == 0 || points[i - 1].time >= begin) continue;
    std::size_t standing = i;
    while (standing-- > 0 && points[standing].time < begin) {
      if (!is_restorable(points[standing].txid)) continue;
      keep(points[standing], KeepReason::window, until);
      break;
    }
  }
}

struct SlotRule {
  KeepReason reason;
  Slot slot;
  std::chrono::milliseconds keep;
};

// The last point of each slot that has not been over for longer than `keep`; of older ones than the window only those
// that can be restored.
void keep_slots(std::vector<Point>& points, const SlotRule& rule, UnixMillis now, const IsRestorable& is_restorable) {
  std::map<UnixMillis, bool> served;  // by the slot's end
  std::optional<SlotSpan> slot;
  bool* is_served = nullptr;
  for (std::size_t i = points.size(); i-- > 0;) {
    Point& point = points[i];
    if (!slot || point.time < slot->begin || point.time >= slot->end) {
      slot = slot_of(rule.slot, point.time);
      is_served = &served[slot->end];
    }
    const UnixMillis until = ceil_hour(slot->end + rule.keep);
    if (*is_served || until <= floor_hour(now)) continue;
    if ((point.reasons & bit(KeepReason::window)) == 0 && !is_restorable(point.txid)) continue;
    keep(point, rule.reason, until);
    *is_served = true;
  }
}

void keep_pins(std::vector<Point>& points, std::span<const Pin> pins, UnixMillis now,
               const IsRestorable& is_restorable) {
  for (const Pin& pin : pins) {
    if (pin.until && *pin.until <= now) continue;
    auto at = std::ranges::upper_bound(points, pin.txid, {}, &Point::txid);
    while (at != points.begin()) {
      if (!is_restorable((--at)->txid)) continue;
      std::optional<UnixMillis> until;
      if (pin.until) until = ceil_hour(*pin.until);
      keep(*at, KeepReason::pin, until);
      break;
    }
  }
}

}  // namespace

std::vector<Point> points_of(const Inventory& inventory, UnixMillis now) {
  std::vector<Point> points;
  points.reserve(inventory.size());
  for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
    for (const Object& object : inventory.level(base::Level{level})) {
      points.push_back({.txid = object.max, .time = object.created_at, .reasons = 0, .until = {}, .ever = false});
    }
  }
  std::ranges::sort(points, {}, [](const Point& p) { return std::tuple(p.txid, p.time); });
  const auto equal = std::ranges::unique(points, {}, &Point::txid);
  points.erase(equal.begin(), equal.end());
  UnixMillis following = now;
  for (std::size_t i = points.size(); i-- > 0;) {
    if (points[i].time > now) points[i].time = following;
    following = points[i].time;
  }
  return points;
}

void choose_points(std::vector<Point>& points, const RetentionPolicy& policy, std::span<const Pin> pins, UnixMillis now,
                   const IsRestorable& is_restorable) {
  if (points.empty()) return;
  keep(points.back(), KeepReason::newest, std::nullopt);
  keep_window(points, std::max<std::chrono::milliseconds>(policy.window, kRetentionGrace), now, is_restorable);
  const std::array rules{SlotRule{KeepReason::hourly, Slot::hour, policy.hourly},
                         SlotRule{KeepReason::daily, Slot::day, policy.daily},
                         SlotRule{KeepReason::weekly, Slot::week, policy.weekly},
                         SlotRule{KeepReason::monthly, Slot::month, policy.monthly}};
  for (const SlotRule& rule : rules) {
    if (rule.keep.count() > 0) keep_slots(points, rule, now, is_restorable);
  }
  keep_pins(points, pins, now, is_restorable);
}

}  // namespace history
