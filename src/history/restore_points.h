// The states that a backup can be restored to: pure, from a listing alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "history/restore_plan.h"

namespace history {

struct RestorePoint {
  base::Txid txid;
  // Of the objects that end at this TXID the one that was created first: it knows the transaction's time best.
  std::size_t object = 0;  // index into the listing
  base::UnixMillis created_at{0};
  friend bool operator==(const RestorePoint&, const RestorePoint&) = default;
};

// Every TXID for which plan_restore() finds a plan, ascending. Cost: sorting.
std::vector<RestorePoint> restore_points(std::span<const BackupFile> files);

struct Neighbours {
  std::optional<RestorePoint> before, after;
};
// The points nearest to a TXID, itself left out.
Neighbours neighbours(std::span<const RestorePoint> points, base::Txid txid);

}  // namespace history
