// Clients coming and going, and the sweep that finds what events did not tell.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "fleet/client_name.h"
#include "fleet/fleet.h"
#include "os/memory.h"

namespace fleet {

namespace {

using engine::Command;
using engine::FileEventKind;

FileSignature signature_of(const std::string& path) {
  const auto stat = os::stat_path(path);
  if (!stat) return {};
  return {stat->inode, stat->size_bytes, stat->modified_ns};
}

}  // namespace

void Fleet::refuse(const std::string& path, const std::string& why) {
  if (!refused_.insert(path).second) return;
  engine::bump(engine_.probe().refused_files);
  base::log::error("database refused", {{"path", path}, {"reason", why}});
  engine_.board().set_notice("refused " + path, path + " is not replicated: " + why);
}

void Fleet::forget_refusal(const std::string& path) {
  if (refused_.erase(path) > 0) engine_.board().set_notice("refused " + path, {});
}

void Fleet::appear(const std::string& directory, const std::string& name, bool replaced) {
  const std::string path = directory + "/" + name;
  const auto id = parse_client_name(name);
  if (!id) {
    if (!parse_client_file(name) && ignored_.insert(path).second) engine::bump(engine_.probe().ignored_files);
    return;
  }
  if (!replaced) {  // a listing repeats what is known
    if (const Entry* known = registry_.find_by_path(path); known != nullptr && known->present) return;
  }
  const auto stat = os::stat_path(path);
  if (!stat) return;  // gone again
  if (!stat->is_regular) return refuse(path, "it is a symbolic link or not a regular file; put the file itself there");
  Entry* entry = registry_.find_by_id(id->value);
  if (entry != nullptr && entry->path != path && entry->present && os::stat_path(entry->path)) {
    return refuse(path, "its id is that of " + entry->path + " (case does not count); rename one of them");
  }
  if (entry == nullptr) {
    engine::NewPolicy policy = options_.policy_of ? policy_for(*id, path) : nullptr;
    auto client = engine_.add(*id, path, policy);
    if (!client) {
      base::log::error("database could not be registered", {{"path", path}, {"reason", client.error()}});
      return;
    }
    entry = &registry_.add({*id, path, *client, std::move(policy), false, 0, 0, {}, {}});
    size_.store(registry_.entries().size(), std::memory_order_relaxed);
  } else if (entry->path != path) {
    registry_.move(*entry, path);
    entry->client->post(engine::NewPath{path});
    give_policy(*entry);
    replaced = true;
  }
  forget_refusal(path);
  const bool was_present = std::exchange(entry->present, true);
  if (was_present && !replaced) return;
  if (!was_present) base::log::info("database found", {{"client", entry->id.value}, {"path", path}});
  entry->client->post(Command::appear);
  post(*entry, replaced ? FileEventKind::database_replaced : FileEventKind::checked, stream_.delivered());
}

void Fleet::give_policy(Entry& entry) {
  if (!options_.policy_of) return;
  auto policy = policy_for(entry.id, entry.path);
  const bool same = entry.policy && *entry.policy == *policy;
  entry.policy = std::move(policy);
  if (!same) entry.client->post(entry.policy);
}

engine::NewPolicy Fleet::policy_for(const base::DatabaseId& id, const std::string& path) const {
  return options_.policy_of(id, below_root(path));
}

// Where the directory is gone, too, it may be spelled otherwise than when it was there: then nobody can tell which
// blocks speak of its databases, and what they want to keep.
void Fleet::give_absent_policies() {
  engine::Engine::PolicyOfAbsent policy_of;
  if (options_.policy_of) {
    policy_of = [this](const base::DatabaseId& id, const std::string& path) -> engine::NewPolicy {
      if (below_root(path).size() == path.size()) return nullptr;
      return policy_for(id, path);
    };
  }
  if (auto given = engine_.set_absent_policies(policy_of); !given) {
    base::log::warn("state database", {{"reason", given.error()}});
  }
}

// Of roots within each other the innermost counts.
std::string_view Fleet::below_root(const std::string& path) const {
  std::size_t longest = 0;
  for (const Root& root : roots_) {
    const std::size_t length = root.path.ends_with('/') ? root.path.size() : root.path.size() + 1;
    if (path.size() > length && path.starts_with(root.path) && path[length - 1] == '/') {
      longest = std::max(longest, length);
    }
  }
  return std::string_view(path).substr(longest);
}

void Fleet::change(FleetChange change) {
  change_.with([&](auto& wanted) { wanted = std::move(change); });
  watcher_.wake();
}

void Fleet::take_change() {
  auto change = change_.with([](auto& wanted) { return std::exchange(wanted, std::nullopt); });
  if (!change) return;
  const std::size_t before = roots_.size();
  for (const auto& path : change->watch_dirs) {
    const std::string resolved = resolve_watch_dir(path);
    if (std::ranges::find(roots_, resolved, &Root::path) == roots_.end()) roots_.push_back({resolved, false, {}});
  }
  options_.policy_of = std::move(change->policy_of);
  for (const auto& [id, entry] : registry_.entries()) give_policy(*entry);
  give_absent_policies();
  if (roots_.size() != before) try_roots();
}

void Fleet::vanish(Entry& entry, Gone how) {
  if (!std::exchange(entry.present, false)) return;
  base::log::info("database removed, its backup is kept", {{"client", entry.id.value}, {"path", entry.path}});
  entry.client->post(Command::vanish);
  if (how == Gone::file_alone) entry.client->post(Command::removed);
  // A file that was refused because of this one's id can have it now.
  for (const std::string& path : std::vector<std::string>(refused_.begin(), refused_.end())) {
    const std::filesystem::path twin(path);
    const auto id = parse_client_name(twin.filename().string());
    if (id && fold_case(id->value) == fold_case(entry.id.value))
      appear(twin.parent_path().string(), twin.filename(), true);
  }
}

void Fleet::vanish_below(const std::vector<std::string>& directories) {
  if (directories.empty()) return;
  const std::unordered_set<std::string> gone(directories.begin(), directories.end());
  for (Root& root : roots_) {
    if (!gone.contains(root.path)) continue;
    root.ok = false;
    next_root_retry_ = base::system_clock().steady_now();
  }
  for (const auto& [id, entry] : registry_.entries()) {
    if (entry->present && gone.contains(std::filesystem::path(entry->path).parent_path().string())) {
      vanish(*entry, Gone::with_directory);
    }
  }
}

void Fleet::sweep() {
  engine::bump(engine_.probe().sweeps);
  next_sweep_ = base::system_clock().steady_now() + options_.sweep_every;
  vanish_below(tree_.list_again());
  engine_.accept_takeovers();
  for (const auto& [id, entry] : registry_.entries()) sweep_entry(*entry);
  for (const std::string& path : std::vector<std::string>(refused_.begin(), refused_.end())) {
    if (!os::stat_path(path)) forget_refusal(path);
  }
  suspects_mark_ = watcher_.stream_mark();
  // After a burst (a start, a store that came back) nothing else would give the memory back.
  const std::uint64_t work = engine_.probe().uploads + engine_.probe().images + engine_.probe().diffs;
  if (std::exchange(work_swept_, work) != work) {
    engine_.give_back_memory();
    at_rest_ = false;
  } else if (!std::exchange(at_rest_, true)) {
    os::let_go_of_idle_code();
  }
}

// Two signatures differ and no event came between them: it may still be under way, so judge_suspects() waits for the
// stream to be read up to here.
void Fleet::sweep_entry(Entry& entry) {
  if (!entry.present) return;
  const FileSignature database = signature_of(entry.path);
  const FileSignature log = signature_of(entry.path + "-wal");
  const bool first = entry.database.inode == 0;
  const bool changed = !(database == entry.database) || !(log == entry.log);
  if (changed && !first && entry.events == entry.events_swept) suspects_.push_back(&entry);
  entry.database = database;
  entry.log = log;
  entry.events_swept = entry.events;
}

void Fleet::judge_suspects() {
  if (suspects_.empty() || stream_.delivered() < suspects_mark_) return;
  for (Entry* entry : std::exchange(suspects_, {})) {
    if (!entry->present || entry->events != entry->events_swept) continue;
    engine::bump(engine_.probe().missed_events);
    base::log::warn("a change was found that no event told of", {{"client", entry->id.value}, {"path", entry->path}});
    if (!os::stat_path(entry->path)) {
      vanish(*entry, Gone::unseen);
    } else {
      post(*entry, FileEventKind::events_lost, stream_.delivered());
    }
  }
}

}  // namespace fleet
