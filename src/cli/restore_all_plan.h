// What `restore-all -dry-run` says: which clients, and about what they will take.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/config.h"
#include "engine/backup_clients.h"
#include "storage/object_store.h"

namespace cli {

// Requests under way at a time, of all clients together.
inline constexpr unsigned kRequestsOfAll = 32;
unsigned requests_of_each(const RestoreAllRequest& request);
std::filesystem::path output_of(const RestoreAllRequest& request, const engine::BackedUpClient& client);

// Text, or JSON, as the request wants it; `clients` in the order of the restore. Blocks: up to 16 of them, spread over
// the sizes, are previewed and stand for those of their size, and the line is measured (at most 4 MiB read), so this
// costs little however many clients there are. A client whose backup has no plan is named and does not end it. Errors:
// the store's own, where it does not answer.
base::Result<std::string> describe_restore_all(storage::ObjectStore& store, const RestoreAllRequest& request,
                                               const std::vector<engine::BackedUpClient>& clients,
                                               const storage::CallContext& context);

}  // namespace cli
