#include "engine/retention_preview.h"

#include <algorithm>
#include <unordered_set>

#include "engine/backup_listing.h"
#include "history/object.h"

namespace engine {
namespace {

// The store's time of a merged object is that of its merge. An object of level 0 was stored when it was made.
base::Result<> read_times_of_merged(storage::ObjectStore& store, std::vector<history::BackupFile>& files,
                                    const storage::CallContext& context) {
  std::unordered_set<std::uint64_t> raw;
  for (const history::BackupFile& file : files) {
    if (file.name.level.value == 0) raw.insert(file.name.max.value);
  }
  std::vector<history::BackupFile*> asked;
  for (history::BackupFile& file : files) {
    if (!raw.contains(file.name.max.value)) asked.push_back(&file);
  }
  return read_times(store, asked, context);
}

}  // namespace

base::Result<RetentionPreview> preview_retention(storage::ObjectStore& store, ClientPrefix& client,
                                                 const history::RetentionPolicy& policy,
                                                 std::span<const history::Pin> pins, base::UnixMillis now,
                                                 const storage::CallContext& context) {
  std::vector<history::Object> objects;
  objects.reserve(client.files.size());
  for (const history::BackupFile& file : client.files) {
    objects.push_back(history::from_listing(file.name, file.size_bytes, file.created_at));
  }
  TRY(read_times_of_merged(store, client.files, context));
  for (std::size_t i = 0; i < objects.size(); ++i) objects[i].created_at = client.files[i].created_at;
  const history::Inventory inventory(objects);
  RetentionPreview preview;
  preview.plan = history::plan_retention(inventory, policy, pins, now);
  preview.intact = policy.off || inventory.empty() || !preview.plan.kept.empty();
  preview.lost_pins = history::lost_pins(preview.plan, pins, now);
  return preview;
}

}  // namespace engine
