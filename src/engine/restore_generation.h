// Restores a backup of Litestream 0.3: a snapshot, and the WAL files that followed it.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "engine/restore.h"
#include "history/generations.h"
#include "os/file.h"
#include "storage/object_store.h"

namespace engine {

// Writes the snapshot to `file`, which is empty and stands at `path`, closes it, and lets SQLite replay one WAL file
// after the other from beside it. Blocks. Memory: the fetcher's, 8 MiB for LZ4 and SQLite's cache. Disk: one WAL file
// besides the database. Only parallel_downloads, on_progress and context of the options matter.
//   corrupt    an object (named) breaks its format, or segments are missing
//   not_found  an object went away
base::Result<RestoreReport> restore_generation(storage::ObjectStore& store, const history::GenerationPlan& plan,
                                               os::File file, const std::filesystem::path& path,
                                               const RestoreOptions& options);

}  // namespace engine
