#include "storage/directory_maker.h"

#include "os/file.h"

namespace storage {

base::Result<> DirectoryMaker::make(const std::filesystem::path& directory) {
  if (directory.empty()) return {};
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return !under_way_.contains(directory); });
    // Under the lock, or it could appear between the look and the answer, not yet synced.
    if (os::stat_path(directory)) return {};
    under_way_.insert(directory);
  }
  const std::filesystem::path parent = directory.parent_path();
  base::Result<> made = parent == directory ? base::Result<>() : make(parent);
  if (made) made = os::make_directories(directory);
  if (made) made = os::sync_directory(parent.empty() ? std::filesystem::path(".") : parent);
  {
    const std::scoped_lock lock(mutex_);
    under_way_.erase(directory);
  }
  done_.notify_all();
  return made;
}

}  // namespace storage
