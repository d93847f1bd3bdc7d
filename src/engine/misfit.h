// Objects that are whole, each for itself, and yet not the history of one database: which of them does not fit?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct Misfit {
  std::string key;       // the first after which the database is not what that object states
  std::string previous;  // the one before it in the plan; empty: it is the first
};

// Applies the plan, oldest object first, and compares the checksum of the database after each with the one that the
// object states. nullopt: all fit, or there are too many pages to keep the checksums of (16 million, 128 MiB). Blocks;
// reads every object once more. corrupt with the key: one is damaged; the store's errors.
base::Result<std::optional<Misfit>> find_misfit(storage::ObjectStore& store,
                                                const std::vector<history::BackupFile>& plan,
                                                const storage::CallContext& context);

}  // namespace engine
