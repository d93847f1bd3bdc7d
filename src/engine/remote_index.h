// The page index of what the bucket holds, learned by reading it: where our state knows nothing and the database is not
// what the newest object says, so that the difference can be stored instead of the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct RemoteIndex {
  base::Txid txid;
  std::uint32_t page_size = 0;
  std::vector<std::uint64_t> checksums;  // [0] is page 1; 0 for the lock page
  std::uint64_t database_checksum = 0;
};

// Reads every object of `plan`: blocks, so not on a client's worker. Memory: 8 bytes a page, and what a restore takes
// (restore.h). corrupt: the backup cannot be restored, a snapshot has to replace it; not_found: an object went away,
// ask the bucket anew; the store's errors.
base::Result<RemoteIndex> read_remote_index(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                                            const storage::CallContext& context);

// Is it to be read instead of storing an image of `image_bytes`? Not if the plan has many objects or is much larger.
bool worth_reading(std::uint64_t image_bytes, const std::vector<history::BackupFile>& plan);

}  // namespace engine
