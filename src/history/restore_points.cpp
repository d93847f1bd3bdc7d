#include "history/restore_points.h"

#include <algorithm>
#include <tuple>

namespace history {

std::vector<RestorePoint> restore_points(std::span<const BackupFile> files) {
  std::vector<std::size_t> order;
  order.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].name.level <= base::kSnapshotLevel) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(files[i].name.max, files[i].created_at); });

  std::vector<RestorePoint> points;
  std::size_t next = 0;
  while (next < order.size()) {
    const base::Txid end = files[order[next]].name.max;
    const std::size_t first = next;
    bool reachable = false;
    for (; next < order.size() && files[order[next]].name.max == end; ++next) {
      const storage::LtxName& name = files[order[next]].name;
      // The highest point so far joins if any does: a chain may overlap, but not leave a hole.
      const std::uint64_t reached = points.empty() ? 0 : points.back().txid.value;
      reachable |= name.level == base::kSnapshotLevel || name.min.value - 1 <= reached;
    }
    if (reachable) points.push_back({end, order[first], files[order[first]].created_at});
  }
  return points;
}

Neighbours neighbours(std::span<const RestorePoint> points, base::Txid txid) {
  Neighbours found;
  const auto at = std::ranges::lower_bound(points, txid, {}, &RestorePoint::txid);
  if (at != points.begin()) found.before = *(at - 1);
  const auto after = std::ranges::upper_bound(points, txid, {}, &RestorePoint::txid);
  if (after != points.end()) found.after = *after;
  return found;
}

}  // namespace history
