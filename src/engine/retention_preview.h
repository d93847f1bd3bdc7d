// What retention would do to a backup, from what the bucket lists: for commands, without a daemon. Changes nothing.
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/bucket_walk.h"
#include "history/retention.h"
#include "storage/object_store.h"

namespace engine {

struct RetentionPreview {
  history::RetentionPlan plan;
  bool intact = true;                 // false: the newest state cannot be restored, and nothing is removed
  std::vector<base::Txid> lost_pins;  // that no restore leads to
};

// The daemon's own answer at this moment, where its clock was not set lately (history/retention_clock.h) and nothing is
// under way. Blocks; a HEAD for each merged object whose last transaction stands alone no more, for its time. The
// store's errors. Objects of Litestream 0.3 are nobody's to remove, and not looked at.
base::Result<RetentionPreview> preview_retention(storage::ObjectStore& store, ClientPrefix& client,
                                                 const history::RetentionPolicy& policy,
                                                 std::span<const history::Pin> pins, base::UnixMillis now,
                                                 const storage::CallContext& context);

}  // namespace engine
