// Which backup files make a restore: pure, from a listing alone. The same answer as Litestream's planner gives
// (docs/formats/ltx.md, "Restore"), so that both restore the same state from the same bucket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "history/object.h"
#include "storage/keys.h"

namespace history {

struct BackupFile {
  storage::LtxName name;
  base::ObjectKey key;
  std::uint64_t size_bytes = 0;
  base::UnixMillis created_at{0};
};

// Both unset: the newest state. Not both at once.
struct RestoreTarget {
  std::optional<base::Txid> txid;          // exactly this one
  std::optional<base::UnixMillis> before;  // the newest state from files created strictly before
};

// Objects in the order in which they are applied.
//   invalid    both targets are set
//   not_found  nothing to restore, or no chain ends at the TXID
//   corrupt    newest state wanted, and objects lie behind a gap
// Cost: for a TXID and for the newest, a search by halves per object of the plan and level; for a time, or where a
// level is in disorder, one walk over the inventory.
base::Result<std::vector<Object>> plan_restore(const Inventory& inventory, const RestoreTarget& target);

// The same for a listing in any order; levels above 9 are passed over. Cost: sorting.
base::Result<std::vector<BackupFile>> plan_restore(std::vector<BackupFile> files, const RestoreTarget& target);

}  // namespace history
