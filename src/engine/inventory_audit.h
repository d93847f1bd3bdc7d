// Compares what the bucket lists of a client with what the state database has recorded of it. Pure.
#pragma once

#include <span>
#include <vector>

#include "engine/ledger_view.h"
#include "history/restore_plan.h"
#include "storage/keys.h"

namespace engine {

struct InventoryDifference {
  std::vector<storage::LtxName> missing;  // recorded, and not there
  std::vector<storage::LtxName> unknown;  // there, and not recorded
  std::vector<storage::LtxName> resized;  // of another size than recorded

  [[nodiscard]] bool empty() const { return missing.empty() && unknown.empty() && resized.empty(); }
};

// A daemon may store, merge and remove meanwhile: `before` and `after` were read around the listing, and only what
// speaks against both counts. REQUIRES: objects of both are known. Names ascend by level, max and min.
InventoryDifference compare_inventory(const RecordedBackup& before, const RecordedBackup& after,
                                      std::span<const history::BackupFile> listed);

}  // namespace engine
