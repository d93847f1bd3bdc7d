#include "engine/missing_clients.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "engine/guid.h"

namespace engine {
namespace {

bool is_below(const std::filesystem::path& path, const std::string& directory) {
  const std::string parent = directory.ends_with('/') ? directory : directory + "/";
  return path.string().starts_with(parent);
}

std::filesystem::path place_of(const base::DatabaseId& id, const std::optional<ClientRecord>& record,
                               std::span<const std::string> watch_dirs) {
  if (record && std::ranges::any_of(watch_dirs, [&](const auto& root) { return is_below(record->path, root); })) {
    return record->path;
  }
  return std::filesystem::path(watch_dirs.front()) / (id.value + ".db");
}

}  // namespace

MissingClients find_missing(std::vector<BackedUpClient> in_bucket, std::vector<ClientRecord> known,
                            std::span<const std::string> watch_dirs,
                            const std::function<bool(const std::filesystem::path&)>& exists) {
  CHECK(!watch_dirs.empty());
  std::unordered_map<Guid, ClientRecord*, GuidHash> records;
  std::unordered_set<Guid, GuidHash> here;
  for (ClientRecord& record : known) {
    const auto guid = parse_guid(record.id.value);
    if (!guid) continue;
    if (exists(record.path)) here.insert(*guid);
    records[*guid] = &record;
  }
  // Of two spellings of a missing one the newest backup is the one that was in use.
  std::ranges::sort(in_bucket, {}, [](const auto& client) { return -client.newest; });
  MissingClients found;
  std::unordered_set<Guid, GuidHash> taken;
  for (BackedUpClient& client : in_bucket) {
    const auto guid = parse_guid(client.id.value);
    if (!guid) continue;
    const auto record = records.find(*guid);
    const bool same_spelling = record == records.end() || record->second->id == client.id;
    if (here.contains(*guid) && same_spelling) continue;
    if (here.contains(*guid) || !taken.insert(*guid).second) {
      found.differ_by_case.push_back(std::move(client.id));
      continue;
    }
    if (record != records.end() && record->second->removed) {
      found.taken_away.push_back(std::move(client.id));
      continue;
    }
    std::optional<ClientRecord> own;
    if (record != records.end() && same_spelling) own = *record->second;
    auto output = place_of(client.id, own, watch_dirs);
    found.missing.push_back({std::move(client.id), std::move(output), client.size_bytes, std::move(own)});
  }
  std::ranges::sort(found.missing, {}, [](const auto& one) { return std::pair(one.size_bytes, one.id.value); });
  return found;
}

}  // namespace engine
