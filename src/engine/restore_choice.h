// From what is wanted to what is read: lists a backup and plans the restore of one of its states.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "history/generations.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct RestoreChoice {
  std::vector<history::BackupFile> plan;              // in the order in which it is applied
  std::optional<history::GenerationPlan> generation;  // instead: a backup of Litestream 0.3
};

// Blocks. `damaged`: keys to do without. Objects that go away while their times are asked for mean another listing.
//   not_found  no backup at `replica`, or none of that TXID or time: the nearest points are named
//   corrupt    the newest state is wanted, or the newest before a time, and the chain has a gap before it: the message
//              names the nearest state that is whole; or an object is too short for one
//   the store's own
base::Result<RestoreChoice> choose_restore(storage::ObjectStore& store, std::string_view replica,
                                           const history::RestoreTarget& target, const std::set<std::string>& damaged,
                                           const storage::CallContext& context);

}  // namespace engine
