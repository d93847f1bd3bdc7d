#include "cli/local_clients.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "fleet/client_name.h"
#include "fleet/fleet.h"
#include "os/file.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;
using base::Result;

std::pair<std::string, std::string> key_of(const base::DatabaseId& id) {
  return {fleet::fold_case(id.value), id.value};
}

// "../x" and the like are elsewhere.
std::string path_below(const fs::path& root, const fs::path& path) {
  const std::string below = path.lexically_relative(root).string();
  return below.empty() || below == "." || below.starts_with("..") ? std::string() : below;
}

Result<> walk(const fs::path& root, const fs::path& state_dir, LocalClients& found) {
  std::size_t& count = found.files[root.string()];
  std::error_code failure;
  // The directory itself has to be readable; below it are some that only root may read, such as lost+found.
  fs::recursive_directory_iterator entry;
  if (fs::directory_iterator(root, failure); !failure) {
    entry = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, failure);
  }
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    if (!state_dir.empty() && entry->path() == state_dir) {
      entry.disable_recursion_pending();
      continue;
    }
    const auto id = fleet::parse_client_name(entry->path().filename().string());
    if (!id) continue;
    ++count;
    LocalClient& client = found.clients[key_of(*id)];
    if (client.present) continue;
    client = {*id, entry->path().string(), true, {}, path_below(root, entry->path()), true, false, {}};
  }
  if (!failure) return {};
  const Category category = failure == std::errc::permission_denied           ? Category::denied
                            : failure == std::errc::no_such_file_or_directory ? Category::not_found
                                                                              : Category::io;
  return base::fail(category,
                    fmt::format("watched directory {} cannot be read whole: {}. What is there cannot be told; "
                                "is it mounted, and may this user read it?",
                                root.string(), failure.message()));
}

Result<> read_state(const KeepingOptions& options, const std::string& bucket_url, LocalClients& found) {
  if (options.state_dir.empty()) return {};
  auto ledger = engine::read_ledger(options.state_dir / "state.db");
  if (!ledger && ledger.error().category == Category::not_found && !options.state_dir_said) return {};
  if (!ledger) return base::fail(ledger.error());
  if (const auto bucket = ledger->facts.find("bucket"); bucket != ledger->facts.end() && bucket->second != bucket_url) {
    return base::fail(Category::invalid, fmt::format("{} belongs to {}, not to {}", options.state_dir.string(),
                                                     bucket->second, bucket_url));
  }
  found.looked = true;
  for (const engine::KnownClient& known : ledger->clients) {
    LocalClient& client = found.clients[key_of(known.id)];
    client.recorded = true;
    client.stored = ledger->last_attempt(known);
    if (client.present) continue;
    client.id = known.id;
    client.path = client.below = known.path;
    if (const auto there = os::stat_path(known.path); there) {
      client.present = true;
    } else if (there.error().category != Category::not_found) {
      client.present = true;
      client.doubt = there.error().message;
    }
    for (const auto& watched : options.watch_dirs) {
      std::string below = path_below(fleet::resolve_watch_dir(watched), known.path);
      if (below.empty() || (client.watched && below.size() >= client.below.size())) continue;
      client.below = std::move(below);
      client.watched = true;
    }
  }
  found.ledger = *std::move(ledger);
  return {};
}

}  // namespace

const LocalClient* LocalClients::find(const base::DatabaseId& id) const {
  auto found = clients.find(key_of(id));
  if (found == clients.end()) found = clients.lower_bound({fleet::fold_case(id.value), {}});
  return found == clients.end() || found->first.first != fleet::fold_case(id.value) ? nullptr : &found->second;
}

const LocalClient* LocalClients::find_present(const base::DatabaseId& id) const {
  const std::string folded = fleet::fold_case(id.value);
  for (auto at = clients.lower_bound({folded, {}}); at != clients.end() && at->first.first == folded; ++at) {
    if (at->second.present) return &at->second;
  }
  return nullptr;
}

Result<LocalClients> find_local_clients(const KeepingOptions& options, const std::string& bucket_url) {
  LocalClients found;
  for (const auto& watched : options.watch_dirs) {
    found.looked = true;
    TRY(walk(fleet::resolve_watch_dir(watched), options.state_dir, found));
  }
  TRY(read_state(options, bucket_url, found));
  return found;
}

}  // namespace cli
