#include "fleet/watch_tree.h"

#include <utility>

namespace fleet {

WatchTree::WatchTree(os::DirectoryWatcher& watcher, std::filesystem::path never, Handlers handlers)
    : watcher_(watcher), never_(std::move(never)), handlers_(std::move(handlers)) {}

std::string WatchTree::path_of(os::WatchId watch) const {
  const auto it = by_watch_.find(watch);
  return it == by_watch_.end() ? std::string() : it->second;
}

base::Result<> WatchTree::add(const std::string& directory) {
  if (std::filesystem::path(directory) == never_) return {};
  TRY_ASSIGN(const os::WatchId watch, watcher_.add(directory));
  // Another directory of the same name: the old one, wherever it is now, is none of ours any more.
  if (const auto it = by_path_.find(directory); it != by_path_.end() && it->second != watch) forget(directory);
  by_watch_[watch] = directory;
  by_path_[directory] = watch;
  return list(directory);
}

base::Result<> WatchTree::list(const std::string& directory) {
  TRY_ASSIGN(const std::vector<os::DirectoryEntry> entries, os::list_directory(directory));
  for (const os::DirectoryEntry& entry : entries) {
    if (!entry.is_directory) {
      handlers_.on_file(directory, entry.name);
      continue;
    }
    const std::string below = directory + "/" + entry.name;
    if (watches(below)) continue;
    if (auto added = add(below); !added && added.error().category != base::Category::not_found) {
      handlers_.on_trouble(below, added.error());
    }
  }
  return {};
}

std::vector<std::string> WatchTree::remove(const std::string& directory) {
  std::vector<std::string> gone;
  const std::string prefix = directory + "/";
  for (const auto& [path, watch] : by_path_) {
    if (path == directory || path.starts_with(prefix)) gone.push_back(path);
  }
  for (const std::string& path : gone) forget(path);
  return gone;
}

void WatchTree::forget(const std::string& directory) {
  const auto it = by_path_.find(directory);
  // A directory that was moved keeps its watch under its new name.
  if (const auto owner = by_watch_.find(it->second); owner != by_watch_.end() && owner->second == directory) {
    watcher_.remove(it->second);
    by_watch_.erase(owner);
  }
  by_path_.erase(it);
}

std::vector<std::string> WatchTree::list_again() {
  std::vector<std::string> all;
  all.reserve(by_path_.size());
  for (const auto& [path, watch] : by_path_) all.push_back(path);
  std::vector<std::string> gone;
  for (const std::string& path : all) {
    if (!watches(path)) continue;
    // Also renews the watch where the directory was replaced by another one of the same name.
    const auto listed = add(path);
    if (listed) continue;
    if (listed.error().category == base::Category::not_found) {
      gone.push_back(path);
    } else {
      handlers_.on_trouble(path, listed.error());
    }
  }
  for (const std::string& path : gone) {
    if (watches(path)) forget(path);
  }
  return gone;
}

}  // namespace fleet
