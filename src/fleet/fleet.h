// Finds the databases below the watched directories, follows their comings and goings, and routes what happens to their
// files to their clients. One thread of its own (the router), asleep while nothing happens but for a sweep every 30 s,
// which finds what the watcher missed and counts it. Who brings a thread takes open() and calls turn()
// (tests/simulation).
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "base/guarded.h"
#include "engine/engine.h"
#include "fleet/registry.h"
#include "fleet/watch_tree.h"
#include "fleet/watcher_stream.h"
#include "os/directory_watcher.h"

namespace fleet {

// What holds for one client, by its id and by its file's path below the watched directory ("acme/GUID.db"). Called on
// the router's thread, once for each client and again when its file has moved or the fleet is told to change.
using PolicyOf =
    std::function<std::shared_ptr<const engine::ClientPolicy>(const base::DatabaseId& id, std::string_view path)>;

struct FleetOptions {
  std::vector<std::filesystem::path> watch_dirs;
  std::filesystem::path state_directory;  // never watched
  PolicyOf policy_of = {};                // empty: what the engine was given holds for all
  std::chrono::milliseconds sweep_every{30'000};
  std::chrono::milliseconds retry_root_every{2'000};
};

// What may be changed while the fleet is watched.
struct FleetChange {
  std::vector<std::filesystem::path> watch_dirs;  // those that are not watched yet are added; none is given up
  PolicyOf policy_of;
};

// What an operator's path means, however it is spelled; one that does not exist yet keeps its spelling. The paths that
// PolicyOf sees are below directories that are spelled so.
std::string resolve_watch_dir(const std::filesystem::path& path);

class Fleet {
 public:
  // Watches and registers everything that is there before it returns. A root that cannot be watched is reported and
  // tried again, unless it is the only one: then its error is returned. Everything referred to outlives the fleet.
  static base::Result<std::unique_ptr<Fleet>> start(FleetOptions options, os::DirectoryWatcher& watcher,
                                                    WatcherStream& stream, os::FileCloser& closer,
                                                    engine::Engine& engine);
  // The same without a thread: nothing is routed but by turn().
  static base::Result<std::unique_ptr<Fleet>> open(FleetOptions options, os::DirectoryWatcher& watcher,
                                                   WatcherStream& stream, os::FileCloser& closer,
                                                   engine::Engine& engine);
  ~Fleet();

  // One round of the router: waits for events until the next sweep is due, hands over what came, sweeps if it is time.
  void turn();

  // What happened until now is known to the clients when this returns, also where an event was missed. Two seconds at
  // most.
  void sweep_now();
  // Any thread; the router does it soon. Of two changes in a row the last one may be the only one that is seen.
  void change(FleetChange change);
  // Ends the router. Clients hear of nothing any more.
  void stop();
  // Databases known so far, present or not. Any thread.
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Root {
    std::string path;
    bool ok = false;
    std::string detail;
  };
  Fleet(FleetOptions options, os::DirectoryWatcher& watcher, WatcherStream& stream, os::FileCloser& closer,
        engine::Engine& engine);

  void run();
  void handle(os::WatchEvent event);
  void on_directory_event(const os::WatchEvent& event, const std::string& path);
  void on_database_event(const os::WatchEvent& event, const std::string& path, const std::string& name);
  void on_companion_event(os::WatchEvent& event, Entry& entry, std::string_view suffix);
  void on_overflow(const os::WatchEvent& event);
  void discard(os::WatchEvent& event);

  void appear(const std::string& directory, const std::string& name, bool replaced);
  // `file_alone`: an event told of the file, not of the directory that it was in. Only that is taken for what somebody
  // wanted: what nobody saw may be a disk that is not there any more.
  enum class Gone : std::uint8_t { file_alone, with_directory, unseen };
  void vanish(Entry& entry, Gone how);
  void vanish_below(const std::vector<std::string>& directories);
  void refuse(const std::string& path, const std::string& why);
  void forget_refusal(const std::string& path);
  void watch_takeovers();
  void take_change();
  void give_policy(Entry& entry);
  [[nodiscard]] engine::NewPolicy policy_for(const base::DatabaseId& id, const std::string& path) const;
  void give_absent_policies();
  [[nodiscard]] std::string_view below_root(const std::string& path) const;
  void try_roots();
  void publish_roots();
  void sweep();
  void sweep_entry(Entry& entry);
  void judge_suspects();
  void post(Entry& entry, engine::FileEventKind kind, std::uint64_t position);

  FleetOptions options_;
  os::DirectoryWatcher& watcher_;
  WatcherStream& stream_;
  os::FileCloser& closer_;
  engine::Engine& engine_;
  Registry registry_;
  std::atomic<std::size_t> size_{0};  // of the registry, for other threads
  WatchTree tree_;
  std::vector<Root> roots_;
  std::unordered_set<std::string> refused_, ignored_;
  std::vector<Entry*> suspects_;  // changed without an event at the last sweep
  std::uint64_t suspects_mark_ = 0;
  std::uint64_t work_swept_ = 0;
  bool at_rest_ = false;  // nothing was captured or stored between the last two sweeps
  base::SteadyTime next_sweep_{};
  base::SteadyTime next_root_retry_{};
  os::WatchId takeover_watch_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> sweep_wanted_{false};
  base::Guarded<std::optional<FleetChange>> change_;
  std::thread thread_;
};

}  // namespace fleet
