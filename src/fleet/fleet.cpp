#include "fleet/fleet.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "fleet/client_name.h"

namespace fleet {

namespace {

using engine::FileEvent;
using engine::FileEventKind;

base::SteadyTime now() {
  return base::system_clock().steady_now();
}

}  // namespace

std::string resolve_watch_dir(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto canonical = std::filesystem::weakly_canonical(path, ignored);
  return (canonical.empty() ? path : canonical).string();
}

Fleet::Fleet(FleetOptions options, os::DirectoryWatcher& watcher, WatcherStream& stream, os::FileCloser& closer,
             engine::Engine& engine)
    : options_(std::move(options)),
      watcher_(watcher),
      stream_(stream),
      closer_(closer),
      engine_(engine),
      tree_(watcher, resolve_watch_dir(options_.state_directory),
            {[this](const std::string& directory, const std::string& name) { appear(directory, name, false); },
             [](const std::string& directory, const base::Error& error) {
               base::log::warn("directory cannot be watched", {{"path", directory}, {"reason", error}});
             }}) {
  for (const auto& path : options_.watch_dirs) roots_.push_back({resolve_watch_dir(path), false, {}});
}

base::Result<std::unique_ptr<Fleet>> Fleet::open(FleetOptions options, os::DirectoryWatcher& watcher,
                                                 WatcherStream& stream, os::FileCloser& closer,
                                                 engine::Engine& engine) {
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options), watcher, stream, closer, engine));
  fleet->try_roots();
  if (fleet->roots_.size() == 1 && !fleet->roots_.front().ok) {
    return base::fail(base::Category::not_found, "cannot watch " + fleet->roots_.front().path + ": " +
                                                     fleet->roots_.front().detail +
                                                     "; create it or name another one with -watch-dir");
  }
  fleet->give_absent_policies();
  fleet->watch_takeovers();
  fleet->next_sweep_ = now() + fleet->options_.sweep_every;
  return fleet;
}

base::Result<std::unique_ptr<Fleet>> Fleet::start(FleetOptions options, os::DirectoryWatcher& watcher,
                                                  WatcherStream& stream, os::FileCloser& closer,
                                                  engine::Engine& engine) {
  TRY_ASSIGN(std::unique_ptr<Fleet> fleet, open(std::move(options), watcher, stream, closer, engine));
  fleet->thread_ = std::thread([raw = fleet.get()] { raw->run(); });
  return fleet;
}

Fleet::~Fleet() {
  stop();
}

void Fleet::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  watcher_.wake();
  thread_.join();
}

void Fleet::watch_takeovers() {
  const auto watch = watcher_.add(engine_.takeover_inbox());
  if (watch) {
    takeover_watch_ = *watch;
  } else {  // the sweep looks there, too
    base::log::warn("directory cannot be watched",
                    {{"path", engine_.takeover_inbox().string()}, {"reason", watch.error()}});
  }
}

void Fleet::try_roots() {
  bool all = true;
  for (Root& root : roots_) {
    if (root.ok) continue;
    auto added = tree_.add(root.path);
    if (added) {
      base::log::info("watching", {{"path", root.path}});
      root.ok = true;
      root.detail.clear();
      continue;
    }
    tree_.remove(root.path);
    all = false;
    if (root.detail != added.error().message) {
      base::log::error("directory cannot be watched, will be tried again",
                       {{"path", root.path}, {"reason", added.error()}});
    }
    root.detail = added.error().message;
  }
  next_root_retry_ = all ? base::SteadyTime::max() : now() + options_.retry_root_every;
  publish_roots();
}

void Fleet::publish_roots() {
  std::vector<engine::WatchDirStatus> dirs;
  dirs.reserve(roots_.size());
  for (const Root& root : roots_) dirs.push_back({root.path, root.ok, root.detail});
  engine_.board().set_watch_dirs(std::move(dirs));
}

void Fleet::run() {
  while (!stopping_) turn();
}

void Fleet::turn() {
  const base::SteadyTime wake_at = std::min(next_sweep_, next_root_retry_);
  auto events = watcher_.take(std::max(wake_at - now(), std::chrono::steady_clock::duration::zero()));
  for (os::WatchEvent& event : events) handle(std::move(event));
  stream_.deliver(watcher_.taken_position());
  judge_suspects();
  take_change();
  if (now() >= next_root_retry_) try_roots();
  if (now() >= next_sweep_ || sweep_wanted_.exchange(false)) sweep();
}

void Fleet::sweep_now() {
  const base::SteadyTime limit = now() + std::chrono::seconds(2);
  const std::uint64_t sweeps = engine_.probe().sweeps;
  sweep_wanted_ = true;
  watcher_.wake();
  std::mutex pause_mutex;
  std::condition_variable pause;  // nobody signals it
  std::unique_lock lock(pause_mutex);
  while (engine_.probe().sweeps == sweeps && now() < limit) pause.wait_for(lock, std::chrono::milliseconds(1));
  stream_.wait_delivered(stream_.mark());
}

void Fleet::post(Entry& entry, FileEventKind kind, std::uint64_t position) {
  entry.client->post(FileEvent{kind, position, {}});
}

void Fleet::discard(os::WatchEvent& event) {
  if (event.opened.is_open()) closer_.close_later(std::move(event.opened));
  if (event.opened_companion.is_open()) closer_.close_later(std::move(event.opened_companion));
}

void Fleet::handle(os::WatchEvent event) {
  engine::bump(engine_.probe().events);
  if (event.kind == os::EventKind::overflow) return on_overflow(event);
  if (event.watch == takeover_watch_ && event.kind != os::EventKind::overflow) {
    if (event.kind == os::EventKind::created) engine_.accept_takeovers();
    return discard(event);
  }
  const std::string directory = tree_.path_of(event.watch);
  if (directory.empty()) return discard(event);
  if (event.kind == os::EventKind::directory_gone || event.is_directory) {
    return on_directory_event(event, event.name.empty() ? directory : directory + "/" + event.name);
  }
  const auto file = parse_client_file(event.name);
  if (!file) {
    if (event.kind == os::EventKind::created) appear(directory, event.name, false);  // counts what is ignored
    return discard(event);
  }
  const std::string path = directory + "/" + std::string(file->database_name);
  if (file->role == FileRole::database) return on_database_event(event, path, event.name);
  Entry* entry = registry_.find_by_path(path);
  if (entry == nullptr || entry->client == nullptr) return discard(event);
  ++entry->events;
  on_companion_event(event, *entry, std::string_view(event.name).substr(file->database_name.size()));
  discard(event);
}

void Fleet::on_companion_event(os::WatchEvent& event, Entry& entry, std::string_view suffix) {
  const bool log = suffix == "-wal";
  const bool index = suffix == "-shm";
  if (!log && !index) return post(entry, FileEventKind::journal_touched, event.position);
  switch (event.kind) {
    case os::EventKind::created: {
      FileEvent made{log ? FileEventKind::log_created : FileEventKind::index_created, event.position, {}};
      made.opened.wal = std::move(log ? event.opened : event.opened_companion);
      made.opened.shm = std::move(log ? event.opened_companion : event.opened);
      made.opened.mark_before = event.open_mark_before;
      made.opened.mark = event.open_mark;
      return entry.client->post(std::move(made));
    }
    case os::EventKind::modified:
      if (log) post(entry, FileEventKind::log_modified, event.position);
      return;
    case os::EventKind::deleted:
    case os::EventKind::moved_from:
      if (log) post(entry, FileEventKind::log_deleted, event.position);
      return;
    case os::EventKind::moved_to:  // a log put there by hand
      return post(entry, FileEventKind::database_replaced, event.position);
    case os::EventKind::closed_after_write:
      if (index) post(entry, FileEventKind::index_closed, event.position);
      return;
    case os::EventKind::directory_gone:
    case os::EventKind::overflow:
      return;
  }
}

void Fleet::on_database_event(const os::WatchEvent& event, const std::string& path, const std::string& name) {
  Entry* entry = registry_.find_by_path(path);
  if (entry != nullptr) ++entry->events;
  switch (event.kind) {
    case os::EventKind::created:
    case os::EventKind::moved_to:
      return appear(std::filesystem::path(path).parent_path().string(), name, true);
    case os::EventKind::deleted:
    case os::EventKind::moved_from:
      if (entry != nullptr) vanish(*entry, Gone::file_alone);
      forget_refusal(path);
      return;
    case os::EventKind::modified:
      if (entry != nullptr) post(*entry, FileEventKind::database_modified, event.position);
      return;
    case os::EventKind::closed_after_write:
    case os::EventKind::directory_gone:
    case os::EventKind::overflow:
      return;
  }
}

void Fleet::on_directory_event(const os::WatchEvent& event, const std::string& path) {
  switch (event.kind) {
    case os::EventKind::created:
    case os::EventKind::moved_to:
      if (auto added = tree_.add(path); !added && added.error().category != base::Category::not_found) {
        base::log::warn("directory cannot be watched", {{"path", path}, {"reason", added.error()}});
      }
      return;
    case os::EventKind::deleted:
    case os::EventKind::moved_from:
    case os::EventKind::directory_gone: {
      auto gone = tree_.remove(path);
      if (gone.empty()) gone.push_back(path);
      vanish_below(gone);
      return;
    }
    default:
      return;
  }
}

void Fleet::on_overflow(const os::WatchEvent& event) {
  engine::bump(engine_.probe().event_overflows);
  base::log::warn("events were lost, everything is looked at again");
  vanish_below(tree_.list_again());
  for (const auto& [id, entry] : registry_.entries()) {
    ++entry->events;
    if (entry->present && !os::stat_path(entry->path)) vanish(*entry, Gone::unseen);
    if (!entry->present) continue;
    post(*entry, FileEventKind::events_lost, event.position);
  }
}

}  // namespace fleet
