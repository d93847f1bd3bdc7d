#include "cli/purge_command.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/local_clients.h"
#include "cli/open_store.h"
#include "cli/progress.h"
#include "engine/bucket_pins.h"
#include "engine/bucket_walk.h"
#include "engine/offline_state.h"
#include "engine/purge.h"
#include "os/file.h"
#include "os/file_lock.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::chrono::hours kQuiet{1};  // of a backup whose host is said to be gone
constexpr std::chrono::seconds kPause{5};

struct Case {
  base::DatabaseId id;   // exactly as it was asked for
  std::string known_as;  // nothing here has this spelling, but this one that differs in case
  engine::ClientPrefix backup;
  base::UnixMillis newest{0};
  base::Txid last;  // the highest that is stored
  std::size_t pins = 0;
  std::vector<std::string> refusals;
  bool recorded = false;  // in the state database
  std::optional<os::ExclusiveFileLock> lock;
};

// A directory that holds nothing may be a disk that is not mounted.
void check_directories(const PurgeRequest& request, const LocalClients& local, Case& found) {
  if (request.gone) return;
  if (local.files.empty()) {
    found.refusals.emplace_back(
        "nobody can tell whether the database is gone: name the directories that the daemon watches with -watch-dir or "
        "-config, or say -gone if its host is gone for good");
  } else if (!found.recorded) {
    found.refusals.emplace_back(
        "the state of this host does not know the database: it may live on another one. Name the right -state-dir, or "
        "say -gone if its host is gone for good");
  }
  for (const auto& [directory, count] : local.files) {
    const bool known = !local.ledger || std::ranges::any_of(local.clients, [&, &watched = directory](const auto& item) {
      return item.second.recorded && item.second.path.starts_with(watched + "/");
    });
    if (count > 0 || !known) continue;
    found.refusals.push_back(directory +
                             " holds no database at all: is it mounted? Say -gone if all of them are gone for good");
  }
}

// Below a watched directory that is there, a part of it may be mounted on its own.
void check_parent(const PurgeRequest& request, const LocalClient* local, Case& found) {
  if (request.gone || local == nullptr || !local->recorded || local->present) return;
  const std::filesystem::path directory = std::filesystem::path(local->path).parent_path();
  if (os::stat_path(directory)) return;
  found.refusals.push_back("its directory is gone: " + directory.string() +
                           ". Is it mounted? Say -gone if it is gone for good");
}

void check_client(const PurgeRequest& request, const LocalClient* local, const LocalClient* there, Case& found) {
  if (there != nullptr && !there->doubt.empty()) {
    found.refusals.push_back("whether the database exists cannot be told: " + there->doubt +
                             ". Mend that, or unmount what is broken");
  } else if (there != nullptr) {
    found.refusals.push_back("the database exists: " + there->path +
                             ". Move or remove it first; to replace a backup by a new one is not what purge is for");
  }
  // The database moved, or lives in two places: what goes on there is not for the record of this host to judge.
  if (found.recorded && found.last > local->stored) {
    found.refusals.push_back("the bucket holds states that this host did not store (TXID " +
                             base::hex16(found.last.value) + "): another host has gone on with it; purge it there");
  }
  const base::UnixMillis now = base::system_clock().unix_now();
  if (request.gone && found.newest > now - kQuiet) {
    found.refusals.push_back("something was stored at " + base::to_rfc3339(found.newest) +
                             ", less than an hour ago: its host seems to be there");
  }
  if (found.pins > 0) {
    found.refusals.push_back(
        fmt::format("{} of its restore points are pinned; \"litestream-manager unpin {} -all\" takes "
                    "the pins away",
                    found.pins, found.id.value));
  }
}

// A daemon that knows the client has its place in memory, and would go on from there should the database come back.
Result<> take_state(const PurgeRequest& request, Case& found) {
  if (!found.recorded) return {};
  auto lock = os::ExclusiveFileLock::acquire(request.common.state_dir / "lock");
  if (lock) {
    found.lock = std::move(*lock);
    return {};
  }
  if (lock.error().category != Category::conflict) return fail(lock.error());
  found.refusals.push_back("a daemon that knows the database runs on " + request.common.state_dir.string() +
                           ". Stop it, purge, and start it again: that costs seconds and no upload");
  return {};
}

Result<Case> examine(const PurgeRequest& request, storage::ObjectStore& store) {
  KeepingOptions options = request.common;
  if (request.gone) options.watch_dirs.clear();
  TRY_ASSIGN(const auto local, find_local_clients(options, store.display_url()));
  Case found;
  found.id = base::DatabaseId{request.client};
  TRY_ASSIGN(found.backup, engine::list_client(store, found.id, {}));
  const LocalClient* known = local.find(found.id);
  if (known != nullptr && known->id != found.id) {  // another backup, which was not asked for
    found.known_as = known->id.value;
    known = nullptr;
  }
  found.recorded = known != nullptr && known->recorded;
  for (const auto& file : found.backup.files) {
    found.newest = std::max(found.newest, file.created_at);
    found.last = std::max(found.last, file.name.max);
  }
  for (const auto* objects : {&found.backup.generations, &found.backup.foreign}) {
    for (const auto& object : *objects) found.newest = std::max(found.newest, object.last_modified);
  }
  TRY_ASSIGN(const auto pins, engine::read_pins(store, engine::pin_prefix(found.id)));
  found.pins = pins.size();
  check_directories(request, local, found);
  check_parent(request, known, found);
  check_client(request, known, local.find_present(found.id), found);
  TRY(take_state(request, found));
  return found;
}

// Some stores need a moment between a deletion and a listing that shows it.
void wait_a_moment() {
  std::mutex mutex;
  std::condition_variable pause;  // nobody signals it
  std::unique_lock lock(mutex);
  pause.wait_for(lock, kPause);
}

void tell(const PurgeRequest& request, const Case& found, std::optional<std::size_t> removed) {
  const engine::ClientPrefix& backup = found.backup;
  std::string text;
  if (request.common.json) {
    nlohmann::ordered_json json{{"id", found.id.value},
                                {"objects", backup.objects()},
                                {"bytes", backup.size_bytes()},
                                {"litestream03Objects", backup.generations.size()},
                                {"foreignObjects", backup.foreign.size()},
                                {"newest", base::to_rfc3339(found.newest)},
                                {"pins", found.pins},
                                {"refused", found.refusals},
                                {"removed", removed.value_or(0)},
                                {"purged", removed.has_value()}};
    text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  } else if (removed) {
    text = fmt::format("{}: removed {} objects, {}; the bucket holds nothing of it any more\n", found.id.value,
                       *removed, format_bytes(backup.size_bytes()));
  } else {
    text = fmt::format("{}: {} objects, {}, the newest stored at {}\n", found.id.value, backup.objects(),
                       format_bytes(backup.size_bytes()), base::to_rfc3339(found.newest));
    if (!backup.generations.empty()) {
      text += fmt::format("  {} of them are a backup of Litestream 0.3\n", backup.generations.size());
    }
    for (const auto& object : backup.foreign) text += "  no backup, would go, too: " + object.key.value + "\n";
    for (const std::string& refusal : found.refusals) text += "  refused: " + refusal + "\n";
    if (found.refusals.empty()) text += "Nothing was removed. Repeat it with -confirm; it cannot be undone.\n";
  }
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Result<> purge(const PurgeRequest& request) {
  TRY_ASSIGN(const auto store, open_store(request.common.store));
  TRY_ASSIGN(const Case found, examine(request, *store));
  if (found.backup.objects() == 0 && !found.recorded) {
    return fail(Category::not_found,
                "the bucket holds nothing of " + request.client +
                    (found.known_as.empty() ? "" : "; this host knows " + found.known_as + ", which is another id"));
  }
  if (!request.confirm || !found.refusals.empty()) {
    tell(request, found, std::nullopt);
    if (found.refusals.empty()) return {};
    return fail(Category::conflict, "nothing was removed: " + found.refusals.front());
  }
  // First: whatever of the backup is left if this ends half way, nobody takes it for what it was.
  if (found.recorded) TRY(engine::forget_backup(request.common.state_dir, found.id));
  TRY_ASSIGN(const std::size_t removed, engine::purge_objects(*store, found.id, wait_a_moment, {}));
  if (found.recorded) TRY(engine::forget_client(request.common.state_dir, found.id));
  tell(request, found, removed);
  return {};
}

}  // namespace

ExitCode run_purge(const PurgeRequest& request) {
  const auto done = purge(request);
  if (done) return ExitCode::done;
  std::fputs(fmt::format("litestream-manager: purge: {}\n", done.error().message).c_str(), stderr);
  return exit_code_for(done.error().category);
}

}  // namespace cli
