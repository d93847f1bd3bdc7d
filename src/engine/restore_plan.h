// Which backup files make a restore: pure, from a listing alone. The same answer as Litestream's planner gives
// (docs/formats/ltx.md, "Restore"), so that both restore the same state from the same bucket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "storage/keys.h"

namespace engine {

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

// Files in the order in which they are applied. `files` may come in any order; levels above 9 are passed over. Cost:
// sorting.
//   invalid    both targets are set
//   not_found  nothing to restore, or no chain ends at the TXID
//   corrupt    newest state wanted, and files lie behind a gap
base::Result<std::vector<BackupFile>> plan_restore(std::vector<BackupFile> files, const RestoreTarget& target);

}  // namespace engine
