// Which directories are watched, recursively below the roots. Knows paths and watch ids, nothing of databases. A
// directory is watched before it is listed, so nothing that appears meanwhile is lost (it may be reported twice). One
// thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "os/directory_watcher.h"

namespace fleet {

class WatchTree {
 public:
  // `never` (and everything below) is not watched: our own state. `on_file` is called for each entry found that is not
  // a directory, with its directory and name; `on_trouble` for a directory that cannot be watched or listed.
  struct Handlers {
    std::function<void(const std::string& directory, const std::string& name)> on_file;
    std::function<void(const std::string& directory, const base::Error& error)> on_trouble;
  };
  WatchTree(os::DirectoryWatcher& watcher, std::filesystem::path never, Handlers handlers);

  // Watches `directory` and all below, reporting what is there. The error is that of `directory` itself.
  base::Result<> add(const std::string& directory);
  // Stops watching `directory` and all below it; returns the directories that were watched.
  std::vector<std::string> remove(const std::string& directory);
  // Empty if the id is not (or no longer) ours.
  [[nodiscard]] std::string path_of(os::WatchId watch) const;
  [[nodiscard]] bool watches(const std::string& directory) const { return by_path_.contains(directory); }
  // Lists every watched directory again: for lost events. Directories that are gone are returned and watched no more.
  std::vector<std::string> list_again();
  [[nodiscard]] std::size_t size() const { return by_path_.size(); }

 private:
  base::Result<> list(const std::string& directory);
  void forget(const std::string& directory);

  os::DirectoryWatcher& watcher_;
  std::filesystem::path never_;
  Handlers handlers_;
  std::unordered_map<os::WatchId, std::string> by_watch_;
  std::unordered_map<std::string, os::WatchId> by_path_;
};

}  // namespace fleet
