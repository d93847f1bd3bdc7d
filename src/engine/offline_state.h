// Changes to a state database whose daemon does not run, one client at a time: for commands (decision 0017). All
// REQUIRE that no daemon uses the directory, and none can start (its lock is held). The exact spelling of an
// id is preferred to one that differs in case; one that is not known is no error. Synced when they return; nothing else
// is changed, not what a crash left to be noticed. Errors as read_ledger().
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/types.h"

namespace engine {

// As one of which nothing is stored: should the database come back, the bucket is asked. The cache goes whole, because
// objects of the same names may come.
base::Result<> forget_backup(const std::filesystem::path& state_directory, const base::DatabaseId& id);
// The client's row, after that.
base::Result<> forget_client(const std::filesystem::path& state_directory, const base::DatabaseId& id);
// InventoryTable::distrust(): what the bucket holds is listed the next time that upkeep looks at the client.
base::Result<> distrust_inventory(const std::filesystem::path& state_directory, const base::DatabaseId& id);

}  // namespace engine
