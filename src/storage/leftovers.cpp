#include "storage/leftovers.h"

#include "os/file.h"
#include "storage/file_key.h"

namespace storage {

bool Leftovers::looked_at_lately(const std::filesystem::path& directory) {
  const base::SteadyTime now = base::system_clock().steady_now();
  const std::scoped_lock lock(mutex_);
  if (now - seen_since_ > kAge) {
    seen_.clear();
    seen_since_ = now;
  }
  return !seen_.insert(std::filesystem::hash_value(directory)).second;
}

void Leftovers::remove_from(const std::filesystem::path& directory) {
  if (looked_at_lately(directory)) return;
  const auto entries = os::list_directory(directory);
  if (!entries) return;
  const base::UnixMillis now = base::system_clock().unix_now();
  for (const os::DirectoryEntry& entry : *entries) {
    if (!is_temporary_name(entry.name)) continue;
    const auto stat = os::stat_path(directory / entry.name);
    if (!stat || !stat->is_regular) continue;
    const auto changed = std::chrono::floor<base::UnixMillis>(std::chrono::nanoseconds(stat->changed_ns));
    if (changed + age_ > now) continue;
    const auto removed = os::remove_file(directory / entry.name);
    (void)removed;
  }
}

}  // namespace storage
