#include "engine/takeover.h"

#include <fmt/format.h>

#include "engine/foreign.h"
#include "ltx/provenance.h"
#include "os/file.h"
#include "storage/keys.h"
#include "storage/probe.h"

namespace engine {

std::filesystem::path takeover_directory(const std::filesystem::path& state_directory) {
  return state_directory / "takeover";
}

base::Result<> request_takeover(const std::filesystem::path& state_directory, const base::DatabaseId& id) {
  const auto directory = takeover_directory(state_directory);
  auto file = os::File::create_new(directory / id.value);
  if (!file && file.error().category == base::Category::conflict) return {};
  if (!file) return base::fail(file.error());
  TRY(file->sync());
  return os::sync_directory(directory);
}

base::Result<std::vector<base::DatabaseId>> takeover_requests(const std::filesystem::path& state_directory) {
  TRY_ASSIGN(const auto entries, os::list_directory(takeover_directory(state_directory)));
  std::vector<base::DatabaseId> ids;
  ids.reserve(entries.size());
  for (const os::DirectoryEntry& entry : entries) ids.emplace_back(entry.name);
  return ids;
}

base::Result<> close_takeover_request(const std::filesystem::path& state_directory, const base::DatabaseId& id) {
  return os::remove_file(takeover_directory(state_directory) / id.value);
}

base::Result<std::optional<ForeignHistory>> find_foreign_history(storage::ObjectStore& store, const KnownClient& client,
                                                                 const Lineages& self, base::UnixMillis now) {
  const std::string replica = storage::replica_path(client.id);
  TRY_ASSIGN(const auto objects, storage::list_all_and_wait(store, replica + "/"));
  std::optional<storage::LtxName> first;
  ForeignHistory found;
  for (const storage::ObjectInfo& object : objects) {
    const auto name = storage::parse_ltx_key(store.layout(), replica, object.key.value);
    if (!name || name->max <= client.txid) continue;
    if (!first || name->max < first->max) first = *name;
    if (name->max > found.newest) {
      found.newest = name->max;
      found.newest_at = object.last_modified;
    }
  }
  if (!first) return std::nullopt;
  const base::ObjectKey key = storage::ltx_key(store.layout(), replica, *first);
  const auto bytes = storage::get_and_wait(store, {key, 0, ltx::kHeaderSize});
  if (!bytes && bytes.error().category != base::Category::invalid) return base::fail(bytes.error());
  const auto header = bytes ? ltx::decode_header(*bytes) : base::Result<ltx::Header>(base::fail(bytes.error()));
  found.first = describe_conflict(key, first->max, header ? std::optional(*header) : std::nullopt, self, now);
  return found;
}

base::Result<> require_fencing(storage::ObjectStore& store, std::string_view known) {
  const std::string_view honoured = storage::to_string(storage::ConditionalPut::honoured);
  if (known == honoured) return {};
  TRY_ASSIGN(const auto answer, storage::probe_conditional_put(store, "databases/"));
  if (answer == storage::ConditionalPut::honoured) return {};
  return base::fail(base::Category::conflict,
                    fmt::format("the store does not honour conditional writes ({}): two writers would overwrite each "
                                "other unseen. Make sure that the other one has ended, then add -without-fencing",
                                storage::to_string(answer)));
}

}  // namespace engine
