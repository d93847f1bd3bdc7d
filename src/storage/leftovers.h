// Unfinished uploads that a killed process left in a file store's folders. Nobody else removes them: a listing skips
// them, and their names never come again.
//
// Another process may be writing into the same folder at this moment, so only what nobody has touched for a day goes.
// What counts is the time of the last change of the inode, which a running upload moves on and nothing sets back.
// Should one be taken away from a process that slept so long, its rename fails and its upload is repeated.
//
// Thread safe. Cost: one reading of the folder at its first call and then each day, else a hash look-up.
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <unordered_set>

#include "base/clock.h"

namespace storage {

class Leftovers {
 public:
  static constexpr std::chrono::hours kAge{24};

  explicit Leftovers(std::chrono::milliseconds age = kAge) : age_(age) {}

  // Removes them from this folder, where it has not been looked at for a day. A failure is nobody's: what cannot be
  // removed today costs some bytes and is tried again tomorrow.
  void remove_from(const std::filesystem::path& directory);

 private:
  bool looked_at_lately(const std::filesystem::path& directory);

  const std::chrono::milliseconds age_;
  std::mutex mutex_;
  std::unordered_set<std::size_t> seen_;  // guarded by mutex_: hashes, since there may be many folders
  base::SteadyTime seen_since_{};         // guarded by mutex_
};

}  // namespace storage
