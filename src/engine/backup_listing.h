// What a backup consists of, as the store tells it.
#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "history/generations.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct BackupListing {
  std::vector<history::BackupFile> files;              // LTX; created_at is when the store had the object
  std::vector<history::GenerationObject> generations;  // of Litestream 0.3
  [[nodiscard]] bool empty() const { return files.empty() && generations.empty(); }
};

// One flat listing: a request per 1,000 objects. Levels come from the lowest up, and files only ever move upwards and
// are removed below after that; so what this order does not see on one level it sees on a later one. Blocks.
base::Result<BackupListing> list_backup(storage::ObjectStore& store, std::string_view replica,
                                        const storage::CallContext& context);

// Puts the time that Litestream goes by into created_at, of all files whose being created before `time` hangs on it.
//
// That time is metadata of the object (`litestream-timestamp`), which S3 tells only one object at a time; the listing
// knows when the object was stored. Within a level both rise with the TXIDs, so the object where the answer changes is
// looked for from the listing's guess outwards, in steps that double: usually two HEADs a level that has objects around
// that time. Clocks that were set back between two objects of a level may make the answer differ from Litestream's,
// which asks for every object. On a `file:` store nothing is asked: the file's time is the one. not_found: an object
// went away (list anew).
base::Result<> refine_times(storage::ObjectStore& store, std::vector<history::BackupFile>& files, base::UnixMillis time,
                            const storage::CallContext& context);

// The same for some files, all of them asked for, side by side. An object that went away keeps its listed time.
base::Result<> read_times(storage::ObjectStore& store, const std::vector<history::BackupFile*>& files,
                          const storage::CallContext& context);

}  // namespace engine
