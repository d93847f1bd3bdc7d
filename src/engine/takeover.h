// Taking over a prefix that another writer owns (decision 0010). The operator's word reaches the daemon as an empty
// file named by the client in the state directory: noticed at once by a daemon that runs, else at the next start.
// Nothing in the bucket is forced: the client forgets where it stood, asks the bucket where the history ends, and goes
// on there.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "engine/ledger_view.h"
#include "engine/status.h"
#include "storage/object_store.h"

namespace engine {

// Where requests stand. The daemon makes it.
std::filesystem::path takeover_directory(const std::filesystem::path& state_directory);

// Durable when it returns; a second request is the same one. denied: run as the daemon's user.
base::Result<> request_takeover(const std::filesystem::path& state_directory, const base::DatabaseId& id);
base::Result<std::vector<base::DatabaseId>> takeover_requests(const std::filesystem::path& state_directory);
// The request was granted, or there was nothing to take over. Absent is success.
base::Result<> close_takeover_request(const std::filesystem::path& state_directory, const base::DatabaseId& id);

// What the bucket holds beyond what this state knows.
struct ForeignHistory {
  Conflict first;     // where it begins
  base::Txid newest;  // where it ends
  std::optional<base::UnixMillis> newest_at;
};

// nullopt: nothing. Blocks for a listing of the client's objects and the GET of one header. The store's errors.
base::Result<std::optional<ForeignHistory>> find_foreign_history(storage::ObjectStore& store, const KnownClient& client,
                                                                 const Lineages& self, base::UnixMillis now);

// A takeover is safe only where the store lets exactly one writer have a TXID. `known` is what an earlier probe said
// ("honoured"), else the store is probed. conflict: it does not; the store's errors.
base::Result<> require_fencing(storage::ObjectStore& store, std::string_view known);

}  // namespace engine
