#include "engine/restore_plan.h"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

#include "base/bytes.h"

namespace engine {
namespace {

using base::Txid;

bool qualifies(const BackupFile& file, const RestoreTarget& target) {
  if (target.txid && file.name.max > *target.txid) return false;
  return !target.before || file.created_at < *target.before;
}

// Reaches farther; then covers more; then is merged more; then is older.
bool is_better(const BackupFile& a, const BackupFile& b) {
  return std::tuple(b.name.max, a.name.min, b.name.level, a.created_at) <
         std::tuple(a.name.max, b.name.min, a.name.level, b.created_at);
}

// Walks one level's files once, in ascending order.
class Cursor {
 public:
  explicit Cursor(std::vector<BackupFile> files) : files_(std::move(files)) {}

  // Looks at every file that can extend a chain which reaches `reached`; keeps the best.
  void advance(Txid reached, const RestoreTarget& target) {
    if (candidate_ && candidate_->name.max <= reached) candidate_.reset();
    // min <= reached + 1, written so that the largest TXID does not wrap.
    for (; next_ < files_.size() && files_[next_].name.min.value - 1 <= reached.value; ++next_) {
      const BackupFile& file = files_[next_];
      if (file.name.max <= reached || !qualifies(file, target)) continue;
      if (!candidate_ || is_better(file, *candidate_)) candidate_ = file;
    }
  }
  [[nodiscard]] const std::optional<BackupFile>& candidate() const { return candidate_; }
  void clear_candidate() { candidate_.reset(); }
  [[nodiscard]] bool has_unreachable_file() const { return next_ < files_.size(); }

 private:
  std::vector<BackupFile> files_;
  std::size_t next_ = 0;
  std::optional<BackupFile> candidate_;
};

using Levels = std::array<std::vector<BackupFile>, base::kSnapshotLevel.value + 1>;

Levels by_level(std::vector<BackupFile> files) {
  std::ranges::sort(files, {}, [](const BackupFile& f) { return std::tuple(f.name.min, f.name.max); });
  Levels levels;
  for (BackupFile& file : files) {
    if (file.name.level.value < levels.size()) levels[file.name.level.value].push_back(std::move(file));
  }
  return levels;
}

std::optional<BackupFile> newest_snapshot(const std::vector<BackupFile>& snapshots, const RestoreTarget& target) {
  const auto newest =
      std::find_if(snapshots.rbegin(), snapshots.rend(), [&](const BackupFile& f) { return qualifies(f, target); });
  if (newest == snapshots.rend()) return std::nullopt;
  return *newest;
}

Cursor* best_cursor(std::vector<Cursor>& cursors, Txid reached, const RestoreTarget& target) {
  Cursor* best = nullptr;
  for (Cursor& cursor : cursors) {
    cursor.advance(reached, target);
    if (cursor.candidate() && (best == nullptr || is_better(*cursor.candidate(), *best->candidate()))) best = &cursor;
  }
  return best;
}

base::Result<> check_reached(const std::vector<BackupFile>& plan, const RestoreTarget& target) {
  if (plan.empty()) return base::fail(base::Category::not_found, "no backup that can be restored");
  if (target.txid && plan.back().name.max < *target.txid) {
    return base::fail(base::Category::not_found,
                      fmt::format("no backup ends at TXID {}; the chain reaches {}", base::hex16(target.txid->value),
                                  base::hex16(plan.back().name.max.value)));
  }
  return {};
}

}  // namespace

base::Result<std::vector<BackupFile>> plan_restore(std::vector<BackupFile> files, const RestoreTarget& target) {
  if (target.txid && target.before) {
    return base::fail(base::Category::invalid, "a TXID and a time cannot both be the target of a restore");
  }
  Levels levels = by_level(std::move(files));
  std::vector<BackupFile> plan;
  Txid reached;
  if (auto snapshot = newest_snapshot(levels[base::kSnapshotLevel.value], target)) {
    reached = snapshot->name.max;
    plan.push_back(*std::move(snapshot));
  }
  std::vector<Cursor> cursors;
  for (std::size_t level = base::kSnapshotLevel.value; level-- > 0;) cursors.emplace_back(std::move(levels[level]));

  while (!target.txid || reached < *target.txid) {
    Cursor* best = best_cursor(cursors, reached, target);
    if (best == nullptr) break;
    plan.push_back(*best->candidate());
    reached = plan.back().name.max;
    best->clear_candidate();
  }
  const bool newest_wanted = !target.txid && !target.before;
  if (newest_wanted && !plan.empty() && std::ranges::any_of(cursors, &Cursor::has_unreachable_file)) {
    return base::fail(base::Category::corrupt,
                      fmt::format("the chain of backups has a gap after TXID {}", base::hex16(reached.value)));
  }
  TRY(check_reached(plan, target));
  return plan;
}

}  // namespace engine
