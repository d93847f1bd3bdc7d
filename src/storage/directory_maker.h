// Creates directories so that they survive a power cut: a directory is durable only when its parent has been synced.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/error.h"

namespace storage {

class DirectoryMaker {
 public:
  // Makes `directory` and what is missing above it. Returns when all of them are durable, also if another thread is
  // just making one of them. Different directories are made side by side: file systems merge syncs that overlap. Cost
  // if it exists: one stat. denied, io.
  base::Result<> make(const std::filesystem::path& directory);

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::set<std::filesystem::path> under_way_;  // guarded by mutex_: made perhaps, but not synced
};

}  // namespace storage
