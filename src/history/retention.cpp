#include "history/retention.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "history/calendar.h"
#include "history/points.h"
#include "history/restore_plan.h"

namespace history {
namespace {

using base::Level;
using base::Txid;
using base::UnixMillis;

// One mark per object, in the inventory's own order.
class Marks {
 public:
  explicit Marks(const Inventory& inventory) : inventory_(inventory) {
    for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
      marks_[level].resize(inventory.level(Level{level}).size());
    }
  }
  void set(const Object& object) { set_at(object.level, static_cast<std::size_t>(position(object))); }
  void set_at(Level level, std::size_t index) { marks_[level.value][index] = true; }
  [[nodiscard]] bool at(Level level, std::size_t index) const { return marks_[level.value][index]; }

 private:
  [[nodiscard]] std::ptrdiff_t position(const Object& object) const {
    return inventory_.find(name_of(object)) - inventory_.level(object.level).data();
  }
  const Inventory& inventory_;
  std::array<std::vector<bool>, Inventory::kLevels> marks_;
};

bool is_window(const Point& point) {
  return (point.reasons & bit(KeepReason::window)) != 0;
}

// Every kept point's plan stays. In a stretch of window points all objects that end there stay, and with them the plan
// of the first that has one: what the plan of a later one has besides is the same up to there. (A point whose object
// is left over from a removal that was cut short has none.)
void mark_plans(const Inventory& inventory, const Inventory& planned, const std::vector<Point>& points, Marks& marks) {
  const auto mark_plan = [&](Txid txid) {
    const auto plan = plan_restore(planned, {.txid = txid, .before = {}});
    if (!plan) return false;
    for (const Object& object : *plan) marks.set(object);
    return true;
  };
  std::vector<std::pair<Txid, Txid>> stretches;
  bool has_plan = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].reasons == 0) continue;
    const bool goes_on = i > 0 && is_window(points[i]) && is_window(points[i - 1]);
    if (!goes_on || !has_plan) has_plan = mark_plan(points[i].txid);
    if (goes_on) {
      stretches.back().second = points[i].txid;
    } else if (is_window(points[i])) {
      stretches.emplace_back(points[i].txid, points[i].txid);
    }
  }
  mark_plan(points.back().txid);
  for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
    const std::span<const Object> objects = inventory.level(Level{level});
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const auto after = std::ranges::upper_bound(stretches, objects[i].max, {}, &std::pair<Txid, Txid>::first);
      if (after != stretches.begin() && objects[i].max <= (after - 1)->second) marks.set_at(Level{level}, i);
    }
  }
}

// Merged objects that a restore under way may not have seen when it planned.
bool is_young(const Object& object, UnixMillis now) {
  return object.level.value > 0 && object.stored_at > now - kRetentionGrace;
}

// Without the young ones; nullopt if there are none that matter: what ends in the window changes no older point's plan.
std::optional<Inventory> without_young(const Inventory& inventory, const std::vector<Point>& points, UnixMillis now) {
  const auto first = std::ranges::find_if(points, is_window);
  const Txid window = first == points.end() ? points.back().txid : first->txid;
  std::vector<storage::LtxName> young;
  for (std::uint8_t level = 1; level < Inventory::kLevels; ++level) {
    for (const Object& object : inventory.level(Level{level})) {
      if (object.max <= window && is_young(object, now)) young.push_back(name_of(object));
    }
  }
  if (young.empty()) return std::nullopt;
  Inventory others = inventory;
  others.remove_all(young);
  return others;
}

KeptPoints kept_points(const Point& point) {
  KeptPoints kept{.first = point.txid,
                  .last = point.txid,
                  .first_time = point.time,
                  .last_time = point.time,
                  .reasons = {},
                  .until = point.until};
  for (const KeepReason reason : kKeepReasons) {
    if ((point.reasons & bit(reason)) != 0) kept.reasons.push_back(reason);
  }
  return kept;
}

// The window's points as one entry; those that are the newest or pinned stand alone.
std::vector<KeptPoints> describe(const std::vector<Point>& points) {
  const auto is_plain = [](const Point& p) {
    return is_window(p) && (p.reasons & (bit(KeepReason::newest) | bit(KeepReason::pin))) == 0;
  };
  std::vector<KeptPoints> kept;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].reasons == 0) continue;
    if (i == 0 || !is_plain(points[i]) || !is_plain(points[i - 1])) {
      kept.push_back(kept_points(points[i]));
      if (is_plain(points[i])) kept.back().reasons = {KeepReason::window};
      continue;
    }
    kept.back().last = points[i].txid;
    kept.back().last_time = points[i].time;
    ++kept.back().count;
  }
  return kept;
}

void sort_out(const Inventory& inventory, const std::vector<Point>& points, const Marks& marks, RetentionPlan& plan) {
  for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
    const std::span<const Object> objects = inventory.level(Level{level});
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (marks.at(Level{level}, i)) {
        plan.kept_bytes += objects[i].size_bytes;
        continue;
      }
      plan.removed_bytes += objects[i].size_bytes;
      const bool stays = std::ranges::lower_bound(points, objects[i].max, {}, &Point::txid)->reasons != 0;
      plan.removals.push_back({objects[i], stays ? RemovalReason::superseded : RemovalReason::expired});
    }
  }
  std::ranges::sort(plan.removals, {}, [](const Removal& r) { return std::tuple(r.object.max, r.object.level); });
}

}  // namespace

std::int64_t fingerprint(const RetentionPolicy& policy) {
  constexpr std::uint64_t kFnvPrime = 0x100000001b3U;
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::int64_t value : {std::int64_t{policy.off}, policy.window.count(), policy.hourly.count(),
                                   policy.daily.count(), policy.weekly.count(), policy.monthly.count()}) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      hash = (hash ^ ((static_cast<std::uint64_t>(value) >> shift) & 0xffU)) * kFnvPrime;
    }
  }
  return static_cast<std::int64_t>(hash);
}

std::string_view to_string(KeepReason reason) {
  switch (reason) {
    case KeepReason::newest:
      return "newest";
    case KeepReason::window:
      return "window";
    case KeepReason::hourly:
      return "hourly";
    case KeepReason::daily:
      return "daily";
    case KeepReason::weekly:
      return "weekly";
    case KeepReason::monthly:
      return "monthly";
    case KeepReason::pin:
      return "pinned";
  }
  return "";
}

std::string_view to_string(RemovalReason reason) {
  return reason == RemovalReason::expired ? "no point that is kept needs it"
                                          : "its point is restored from merged objects or a snapshot";
}

RetentionPlan plan_retention(const Inventory& inventory, const RetentionPolicy& policy, std::span<const Pin> pins,
                             UnixMillis now) {
  RetentionPlan plan;
  plan.kept_bytes = inventory.size_bytes();
  if (inventory.empty() || policy.off) return plan;
  // A history that is broken now is not touched: what looks superfluous may be what mends it.
  const auto newest = plan_restore(inventory, {});
  if (!newest || newest->back().max != inventory.newest()) return plan;

  std::vector<Point> points = points_of(inventory, now);
  choose_points(points, policy, pins, now,
                [&](Txid txid) { return plan_restore(inventory, {.txid = txid, .before = {}}).has_value(); });
  Marks marks(inventory);
  mark_plans(inventory, inventory, points, marks);
  plan.kept_bytes = 0;
  if (const auto others = without_young(inventory, points, now)) {
    mark_plans(inventory, *others, points, marks);
    plan.next_due = ceil_hour(now + kRetentionGrace);
  }
  sort_out(inventory, points, marks, plan);
  plan.kept = describe(points);
  for (const Point& point : points) {
    if (point.until && (!plan.next_due || *point.until < *plan.next_due)) plan.next_due = *point.until;
  }
  return plan;
}

std::vector<Txid> lost_pins(const RetentionPlan& plan, std::span<const Pin> pins, UnixMillis now) {
  std::vector<Txid> lost;
  if (plan.kept.empty()) return lost;
  for (const Pin& pin : pins) {
    if (pin.until && *pin.until <= now) continue;
    const bool stands = std::ranges::any_of(plan.kept, [&](const KeptPoints& kept) {
      return kept.last == pin.txid && std::ranges::find(kept.reasons, KeepReason::pin) != kept.reasons.end();
    });
    if (!stands) lost.push_back(pin.txid);
  }
  return lost;
}

}  // namespace history
