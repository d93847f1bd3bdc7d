// What a restore would do, and what could be restored, without doing it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct PlannedObject {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::uint64_t read_bytes = 0;  // 0: newer objects have all its pages
};

struct RestorePreview {
  base::Txid txid;  // 0: a backup of Litestream 0.3
  base::UnixMillis timestamp{0};
  std::uint32_t page_size = 0, pages = 0;  // 0: not known before it is read (Litestream 0.3)
  std::vector<PlannedObject> objects;      // in the order in which they are applied
  std::uint64_t read_bytes = 0;            // the page indexes included
  std::uint64_t requests = 0;              // GETs
};

// Blocks for the listing, and a GET for each larger object's page index. Errors as restore() has them.
base::Result<RestorePreview> preview_restore(storage::ObjectStore& store, std::string_view replica,
                                             const history::RestoreTarget& target, const storage::CallContext& context);

struct StoredPoint {
  base::Txid txid;  // 0: of Litestream 0.3
  base::UnixMillis time{0};
};

struct StoredPoints {
  std::vector<StoredPoint> points;  // ascending: the newest ones, up to the limit
  std::size_t count = 0;            // of all
  StoredPoint oldest;               // of all
};

// The states that can be restored. Times are those by which a restore goes; on S3 that takes a HEAD for each point that
// is returned, 32 side by side. `limit` 0: all. Blocks. not_found: no backup, or none that can be restored.
base::Result<StoredPoints> list_points(storage::ObjectStore& store, std::string_view replica, std::size_t limit,
                                       const storage::CallContext& context);

}  // namespace engine
