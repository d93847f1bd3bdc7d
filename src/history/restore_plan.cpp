#include "history/restore_plan.h"

#include <algorithm>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "base/bytes.h"

namespace history {
namespace {

using base::Txid;

bool qualifies(const Object& object, const RestoreTarget& target) {
  if (target.txid && object.max > *target.txid) return false;
  return !target.before || object.created_at < *target.before;
}

// Reaches farther; then covers more; then is merged more; then is older.
bool is_better(const Object& a, const Object& b) {
  return std::tuple(b.max, a.min, b.level, a.created_at) < std::tuple(a.max, b.min, a.level, b.created_at);
}

// min <= reached + 1, written so that the largest TXID does not wrap.
bool joins(const Object& object, Txid reached) {
  return object.min.value - 1 <= reached.value;
}

// The candidates of one level, looked for as the chain grows.
class Cursor {
 public:
  Cursor(std::span<const Object> objects, bool ascending, const RestoreTarget& target)
      : objects_(objects), target_(target), halves_(ascending && !target.before) {
    if (halves_ && target.txid) {
      const auto end = std::ranges::partition_point(objects, [&](const Object& o) { return o.max <= *target.txid; });
      qualified_ = static_cast<std::size_t>(end - objects.begin());
    } else {
      qualified_ = objects.size();
    }
  }

  // The best object that extends a chain which reaches `reached`; nullptr if there is none.
  const Object* best(Txid reached) {
    if (halves_) return best_by_halves(reached);
    if (candidate_ != nullptr && candidate_->max <= reached) candidate_ = nullptr;
    for (; next_ < objects_.size() && joins(objects_[next_], reached); ++next_) {
      const Object& object = objects_[next_];
      if (object.max <= reached || !qualifies(object, target_)) continue;
      if (candidate_ == nullptr || is_better(object, *candidate_)) candidate_ = &object;
    }
    return candidate_;
  }

  // After best() found nothing for it.
  [[nodiscard]] bool has_object_beyond(Txid reached) const {
    return !objects_.empty() && !joins(objects_.back(), reached);
  }

 private:
  const Object* best_by_halves(Txid reached) {
    // Chains only grow, so the search starts where the last one ended.
    const auto rest = objects_.first(qualified_).subspan(next_);
    const auto end = std::ranges::partition_point(rest, [&](const Object& o) { return joins(o, reached); });
    if (end == rest.begin()) return nullptr;
    const Object& last = *(end - 1);
    next_ += static_cast<std::size_t>(end - 1 - rest.begin());
    return last.max > reached ? &last : nullptr;
  }

  std::span<const Object> objects_;
  const RestoreTarget& target_;
  bool halves_;
  std::size_t qualified_ = 0;  // objects of a level in order that end at or before the wanted TXID
  std::size_t next_ = 0;
  const Object* candidate_ = nullptr;
};

const Object* newest_snapshot(const Inventory& inventory, const RestoreTarget& target) {
  const std::span<const Object> snapshots = inventory.level(base::kSnapshotLevel);
  const auto newest = std::find_if(snapshots.rbegin(), snapshots.rend(),
                                   [&](const Object& object) { return qualifies(object, target); });
  return newest == snapshots.rend() ? nullptr : &*newest;
}

const Object* best_of(std::vector<Cursor>& cursors, Txid reached) {
  const Object* best = nullptr;
  for (Cursor& cursor : cursors) {
    const Object* candidate = cursor.best(reached);
    if (candidate != nullptr && (best == nullptr || is_better(*candidate, *best))) best = candidate;
  }
  return best;
}

base::Result<> check_reached(const std::vector<Object>& plan, const RestoreTarget& target) {
  if (plan.empty()) return base::fail(base::Category::not_found, "no backup that can be restored");
  if (target.txid && plan.back().max < *target.txid) {
    return base::fail(base::Category::not_found,
                      fmt::format("no backup ends at TXID {}; the chain reaches {}", base::hex16(target.txid->value),
                                  base::hex16(plan.back().max.value)));
  }
  return {};
}

}  // namespace

base::Result<std::vector<Object>> plan_restore(const Inventory& inventory, const RestoreTarget& target) {
  if (target.txid && target.before) {
    return base::fail(base::Category::invalid, "a TXID and a time cannot both be the target of a restore");
  }
  std::vector<Object> plan;
  Txid reached;
  if (const Object* snapshot = newest_snapshot(inventory, target)) {
    reached = snapshot->max;
    plan.push_back(*snapshot);
  }
  std::vector<Cursor> cursors;
  cursors.reserve(base::kSnapshotLevel.value);
  for (std::uint8_t level = base::kSnapshotLevel.value; level-- > 0;) {
    const auto objects = inventory.level(base::Level{level});
    if (!objects.empty()) cursors.emplace_back(objects, inventory.is_ascending(base::Level{level}), target);
  }
  while (!target.txid || reached < *target.txid) {
    const Object* best = best_of(cursors, reached);
    if (best == nullptr) break;
    plan.push_back(*best);
    reached = best->max;
  }
  const bool newest_wanted = !target.txid && !target.before;
  if (newest_wanted && !plan.empty() &&
      std::ranges::any_of(cursors, [&](const Cursor& cursor) { return cursor.has_object_beyond(reached); })) {
    return base::fail(base::Category::corrupt,
                      fmt::format("the chain of backups has a gap after TXID {}", base::hex16(reached.value)));
  }
  TRY(check_reached(plan, target));
  return plan;
}

base::Result<std::vector<BackupFile>> plan_restore(std::vector<BackupFile> files, const RestoreTarget& target) {
  const auto order = [](const auto& f) { return std::tuple(f.name.level, f.name.min, f.name.max); };
  std::ranges::sort(files, {}, order);
  std::vector<Object> objects;
  objects.reserve(files.size());
  for (const BackupFile& file : files) {
    objects.push_back(from_listing(file.name, file.size_bytes, file.created_at));
  }
  TRY_ASSIGN(const auto plan, plan_restore(Inventory(objects), target));
  std::vector<BackupFile> planned;
  planned.reserve(plan.size());
  for (const Object& object : plan) {
    const auto name = std::tuple(object.level, object.min, object.max);
    planned.push_back(std::move(*std::ranges::lower_bound(files, name, {}, order)));
  }
  return planned;
}

}  // namespace history
