#include "engine/restore_choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/backup_listing.h"
#include "history/restore_points.h"
#include "ltx/header.h"

namespace engine {
namespace {

using base::Category;

constexpr int kListingsMax = 3;

std::string describe(const history::RestorePoint& point) {
  return fmt::format("TXID {} of {}", base::hex16(point.txid.value), base::to_rfc3339(point.created_at));
}

// With the times by which a restore goes, for a message.
void read_exact_time(storage::ObjectStore& store, std::vector<history::BackupFile>& files,
                     std::optional<history::RestorePoint>& point, const storage::CallContext& context) {
  if (!point) return;
  if (read_times(store, {&files[point->object]}, context)) point->created_at = files[point->object].created_at;
}

std::string nearest_points(storage::ObjectStore& store, std::vector<history::BackupFile>& files,
                           const history::RestoreTarget& target, const storage::CallContext& context) {
  const auto points = history::restore_points(files);
  if (points.empty()) return "; it has no state that can be restored";
  // For a time: nothing was created before it, so everything lies after.
  auto near = history::neighbours(points, target.txid.value_or(base::Txid{0}));
  read_exact_time(store, files, near.before, context);
  read_exact_time(store, files, near.after, context);
  if (near.before && near.after) {
    return fmt::format("; the nearest points are {} before and {} after it", describe(*near.before),
                       describe(*near.after));
  }
  return near.before ? fmt::format("; the newest point is {}", describe(*near.before))
                     : fmt::format("; the oldest point is {}", describe(*near.after));
}

bool is_older(const history::BackupFile& file, base::UnixMillis time) {
  return file.name.level <= base::kSnapshotLevel && file.created_at < time;
}

base::Error explain(base::Error error, storage::ObjectStore& store, std::vector<history::BackupFile> files,
                    const history::RestoreTarget& target, const storage::CallContext& context) {
  if (error.category == Category::corrupt) {
    const auto points = history::restore_points(files);
    if (!points.empty()) {
      error.message +=
          fmt::format("; -txid {} restores the newest state that is whole", base::hex16(points.back().txid.value));
    }
  } else if (target.txid) {
    error.message = fmt::format("TXID {} cannot be restored", base::hex16(target.txid->value)) +
                    nearest_points(store, files, target, context);
  } else if (target.before && std::ranges::any_of(files, [&](const auto& f) { return is_older(f, *target.before); })) {
    error.message = fmt::format("there are objects from before {}, but not those that they build on",
                                base::to_rfc3339(*target.before)) +
                    nearest_points(store, files, target, context);
  } else if (target.before) {
    error.message = fmt::format("nothing was stored before {}", base::to_rfc3339(*target.before)) +
                    nearest_points(store, files, target, context);
  }
  return error;
}

// How far the objects hold every transaction from `reached` on, whenever they were created.
base::Txid held_from(base::Txid reached, const std::vector<history::BackupFile>& files) {
  std::vector<storage::LtxName> names;
  for (const auto& file : files) {
    if (file.name.level <= base::kSnapshotLevel) names.push_back(file.name);
  }
  std::ranges::sort(names, {}, &storage::LtxName::min);
  for (const storage::LtxName& name : names) {
    if (name.min.value - 1 <= reached.value) reached = std::max(reached, name.max);
  }
  return reached;
}

// What is from before `time` and lies behind a hole is lost, and the state before the hole not the one that was asked
// for. No hole is what a later object holds: merged since then, its inputs removed, it is no state by time any more.
base::Result<> check_nothing_lost(storage::ObjectStore& store, const std::vector<history::BackupFile>& files,
                                  base::UnixMillis time, const history::BackupFile& newest,
                                  const storage::CallContext& context) {
  const base::Txid held = held_from(newest.name.max, files);
  const bool lost =
      std::ranges::any_of(files, [&](const auto& file) { return is_older(file, time) && file.name.max > held; });
  if (!lost) return {};
  history::BackupFile whole = newest;
  TRY(read_times(store, {&whole}, context));
  const std::string txid = base::hex16(whole.name.max.value);
  return base::fail(
      Category::corrupt,
      fmt::format("the chain of backups has a gap after TXID {}, and states from before {} lie behind it; -txid {} "
                  "restores the nearest state that is whole, of {}",
                  base::hex16(held.value), base::to_rfc3339(time), txid, base::to_rfc3339(whole.created_at)));
}

base::Result<> check_sizes(const std::vector<history::BackupFile>& plan) {
  for (const history::BackupFile& file : plan) {
    if (file.size_bytes >= ltx::kSmallestFileBytes) continue;
    return base::fail(Category::corrupt, fmt::format("{}: {} bytes are no LTX file", file.key.value, file.size_bytes));
  }
  return {};
}

base::Result<RestoreChoice> choose_generation(std::vector<history::GenerationObject> objects,
                                              const history::RestoreTarget& target) {
  auto plan = history::plan_generation(std::move(objects), target.before);
  if (!plan && plan.error().category == Category::not_found && target.before) {
    return base::fail(Category::not_found,
                      fmt::format("no snapshot of Litestream 0.3 is as old as {}", base::to_rfc3339(*target.before)));
  }
  if (!plan) return base::fail(std::move(plan).error());
  return RestoreChoice{.plan = {}, .generation = *std::move(plan)};
}

base::Result<RestoreChoice> choose_once(storage::ObjectStore& store, std::string_view replica,
                                        const history::RestoreTarget& target, const std::set<std::string>& damaged,
                                        const storage::CallContext& context) {
  TRY_ASSIGN(BackupListing listing, list_backup(store, replica, context));
  if (listing.empty()) return base::fail(Category::not_found, "no backup");
  std::erase_if(listing.files, [&](const auto& file) { return damaged.contains(file.key.value); });
  if (target.before) TRY(refine_times(store, listing.files, *target.before, context));
  if (history::prefer_generation(listing.generations, listing.files, target)) {
    return choose_generation(std::move(listing.generations), target);
  }
  if (listing.files.empty() && !listing.generations.empty()) {
    return base::fail(Category::not_found,
                      "this is a backup of Litestream 0.3, which knows no TXIDs; choose a state by -at");
  }
  auto plan = history::plan_restore(listing.files, target);
  if (!plan) return base::fail(explain(plan.error(), store, std::move(listing.files), target, context));
  if (target.before) TRY(check_nothing_lost(store, listing.files, *target.before, plan->back(), context));
  TRY(check_sizes(*plan));
  return RestoreChoice{.plan = *std::move(plan), .generation = {}};
}

}  // namespace

base::Result<RestoreChoice> choose_restore(storage::ObjectStore& store, std::string_view replica,
                                           const history::RestoreTarget& target, const std::set<std::string>& damaged,
                                           const storage::CallContext& context) {
  const std::string where = fmt::format("{}/{}", store.display_url(), replica);
  for (int listings = 1;; ++listings) {
    auto choice = choose_once(store, replica, target, damaged, context);
    if (choice) return choice;
    // An object that went away between the listing and the question for its time.
    const bool vanished =
        choice.error().category == Category::not_found && target.before && choice.error().message.starts_with(replica);
    if (!vanished || listings == kListingsMax) return base::fail(choice.error().with_context(where));
  }
}

}  // namespace engine
