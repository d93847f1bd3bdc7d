#include "engine/restore_preview.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "engine/backup_listing.h"
#include "engine/restore_choice.h"
#include "engine/restore_survey.h"
#include "history/restore_points.h"

namespace engine {
namespace {

constexpr std::uint64_t kRangeBytes = 1U << 20;

RestorePreview of_generation(const history::GenerationPlan& plan) {
  RestorePreview preview;
  const auto add = [&](const history::GenerationObject& object) {
    preview.objects.push_back({object.key.value, object.size_bytes, object.size_bytes});
    preview.read_bytes += object.size_bytes;
    preview.requests += (object.size_bytes + kRangeBytes - 1) / kRangeBytes;
    preview.timestamp = object.created_at;
  };
  add(plan.snapshot);
  for (const auto& segment : plan.segments) add(segment);
  return preview;
}

std::vector<StoredPoint> of_generations(const std::vector<history::GenerationObject>& objects) {
  auto oldest_snapshot = base::UnixMillis::max();
  for (const auto& object : objects) {
    if (object.is_snapshot) oldest_snapshot = std::min(oldest_snapshot, object.created_at);
  }
  std::vector<StoredPoint> points;
  for (const auto& object : objects) {
    if (object.created_at >= oldest_snapshot) points.push_back({base::Txid{0}, object.created_at});
  }
  std::ranges::sort(points, {}, &StoredPoint::time);
  return points;
}

}  // namespace

base::Result<RestorePreview> preview_restore(storage::ObjectStore& store, std::string_view replica,
                                             const history::RestoreTarget& target,
                                             const storage::CallContext& context) {
  TRY_ASSIGN(const RestoreChoice choice, choose_restore(store, replica, target, {}, context));
  if (choice.generation) return of_generation(*choice.generation);
  std::optional<std::size_t> at_fault;
  TRY_ASSIGN(const Survey found,
             survey(store, choice.plan, {.range_bytes_max = kRangeBytes, .context = context}, at_fault));
  RestorePreview preview{.txid = found.newest.max_txid,
                         .timestamp = found.newest.timestamp,
                         .page_size = found.newest.page_size,
                         .pages = found.newest.commit,
                         .objects = {},
                         .read_bytes = found.bytes + found.asked_bytes,
                         .requests = found.requests + found.asked_requests};
  for (const auto& file : choice.plan) preview.objects.push_back({file.key.value, file.size_bytes, 0});
  for (const ObjectRead& read : found.reads) {
    PlannedObject& object = preview.objects[read.object];
    object.read_bytes = read.whole ? object.size_bytes : 0;
    for (const ByteRange& range : read.ranges) object.read_bytes += range.length;
  }
  return preview;
}

base::Result<StoredPoints> list_points(storage::ObjectStore& store, std::string_view replica, std::size_t limit,
                                       const storage::CallContext& context) {
  TRY_ASSIGN(BackupListing listing, list_backup(store, replica, context));
  std::vector<StoredPoint> all = of_generations(listing.generations);
  const auto points = history::restore_points(listing.files);
  const std::size_t shown = std::min(limit == 0 ? points.size() : limit, points.size());
  std::vector<history::BackupFile*> asked;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == 0 || i + shown >= points.size()) asked.push_back(&listing.files[points[i].object]);
  }
  TRY(read_times(store, asked, context));
  for (const auto& point : points) all.push_back({point.txid, listing.files[point.object].created_at});
  if (all.empty()) {
    return base::fail(base::Category::not_found,
                      fmt::format("{}/{}: no backup that can be restored", store.display_url(), replica));
  }
  StoredPoints result{.points = {}, .count = all.size(), .oldest = all.front()};
  const std::size_t kept = limit == 0 ? all.size() : std::min(limit, all.size());
  result.points.assign(all.end() - static_cast<std::ptrdiff_t>(kept), all.end());
  return result;
}

}  // namespace engine
