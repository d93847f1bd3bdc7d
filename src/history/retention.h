// Which objects may go, and why the others stay. Pure.
//
// A *point* is a TXID at which a stored object ends: a state that can be restored. The policy says which points to
// keep; an object goes when the restore plans of all kept points do without it. Removing an object that is not in
// plan(p) does not change plan(p) (the planner's choice among fewer is the same if the best one is among them), so any
// subset of the removals may be carried out, in any order, with a crash anywhere: every kept point restores as before,
// by stock Litestream too. retention_test.cpp and the model of histories hold it to that.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "history/object.h"

namespace history {

// How far back from now. Zero: none of that kind. Slots are those of UTC: whole hours, days, weeks from Monday,
// calendar months; the last point of a slot stands for it.
struct RetentionPolicy {
  bool off = false;                                          // remove nothing, ever
  std::chrono::milliseconds window{std::chrono::hours{24}};  // every point
  std::chrono::milliseconds hourly{std::chrono::days{7}};
  std::chrono::milliseconds daily{std::chrono::days{30}};
  std::chrono::milliseconds weekly{std::chrono::days{91}};
  std::chrono::milliseconds monthly{std::chrono::days{365}};

  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};

// To notice that a history was thinned by another policy than the one that holds now. The same in every process.
std::int64_t fingerprint(const RetentionPolicy& policy);

// A restore under way must find what it planned: the window is never shorter, and an object that was stored less than
// this ago does not yet make those it covers superfluous.
inline constexpr std::chrono::hours kRetentionGrace{1};

// A point that somebody wants to keep. A TXID that cannot be restored any more keeps the next point before it.
struct Pin {
  base::Txid txid;
  std::optional<base::UnixMillis> until;  // none: for ever
  std::string note;
};

enum class KeepReason : std::uint8_t { newest, window, hourly, daily, weekly, monthly, pin };
inline constexpr std::array kKeepReasons{KeepReason::newest, KeepReason::window,  KeepReason::hourly, KeepReason::daily,
                                         KeepReason::weekly, KeepReason::monthly, KeepReason::pin};
std::string_view to_string(KeepReason reason);

// Neighbouring points that are kept for the same reasons: one point (first == last), or those of the window.
struct KeptPoints {
  base::Txid first;
  base::Txid last;
  std::size_t count = 1;
  base::UnixMillis first_time{0};
  base::UnixMillis last_time{0};
  std::vector<KeepReason> reasons;        // never empty
  std::optional<base::UnixMillis> until;  // when the last reason ends for the first of them; none: not by time
};

enum class RemovalReason : std::uint8_t {
  expired,     // its point is not kept, and no kept one needs it
  superseded,  // its point is kept; merged objects or a snapshot restore it
};
std::string_view to_string(RemovalReason reason);

struct Removal {
  Object object;
  RemovalReason why = RemovalReason::expired;
};

struct RetentionPlan {
  std::vector<Removal> removals;  // oldest first: by max TXID, then by level
  std::vector<KeptPoints> kept;   // ascending
  std::uint64_t removed_bytes = 0;
  std::uint64_t kept_bytes = 0;
  // When the answer can change without new objects; nullopt: never. Always a full hour, so that one pass an hour is
  // enough for a hot client.
  std::optional<base::UnixMillis> next_due;
};

// `now` from a RetentionClock (retention_clock.h): a wall clock that jumps ahead must not empty a history. Times of
// points that lie after `now` count as `now`, so a clock that went back removes nothing. The newest point is kept
// whatever the clock says. Cost: O(n) in the inventory, and O(log n) per object of a kept point's plan.
RetentionPlan plan_retention(const Inventory& inventory, const RetentionPolicy& policy, std::span<const Pin> pins,
                             base::UnixMillis now);

// Pins that hold at `now`, and whose points the plan could not keep: no restore leads there.
std::vector<base::Txid> lost_pins(const RetentionPlan& plan, std::span<const Pin> pins, base::UnixMillis now);

}  // namespace history
