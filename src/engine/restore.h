// Brings one state of a database back from the bucket, proves it, and only then gives it its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/restore_output.h"
#include "engine/restore_pages.h"
#include "engine/state_reader.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

enum class IntegrityCheck : std::uint8_t {
  none,
  quick,  // SQLite's quick_check: the structure of all pages, not indexes against tables
  full,   // SQLite's integrity_check
};

struct RestoreOptions {
  std::filesystem::path output;
  OnExistingOutput on_existing = OnExistingOutput::refuse;
  // Root gives an output that replaces nothing the owner and group of this file or directory; empty: they stay root's.
  std::filesystem::path owner_as;
  // For a place that others may write to and know of beforehand: the new file is readable by its maker alone from its
  // first byte on, and what an interrupted restore left there is neither gone on with nor touched.
  bool for_its_maker_alone = false;
  history::RestoreTarget target;  // neither: the newest state
  unsigned parallel_downloads = 16;
  std::uint64_t waiting_bytes_max = 20U << 20;  // asked for and not yet written: most of the memory
  IntegrityCheck integrity_check = IntegrityCheck::quick;
  std::uint64_t checkpoint_bytes = 64U << 20;  // what an interruption costs at most, to be read again
  OnDownloadProgress on_progress;  // called on the calling thread; starts anew if the plan has to be made anew
  storage::CallContext context;    // for the whole restore
};

struct RestoreReport : StateRead {
  IntegrityCheck integrity_check = IntegrityCheck::none;
  // Why SQLite's check could not be finished, where that is not the backup's fault: the schema needs a collation or
  // function that only the application has.
  std::optional<std::string> integrity_note;
  // Set where a file was replaced whose owner could not be kept, and what to do.
  std::optional<std::string> owner_note;
};

// `replica` is the path below the bucket ("databases/{GUID}"). Blocks for as long as it takes; one thread; must not be
// called from the store's. Memory: about 24 MiB, an eighth of a byte per page of the database (twice) and some 100
// bytes per object of the backup, whatever their sizes. Disk: the database. Requests: a LIST per 1,000 objects; a GET
// per object and MiB of what is read (see survey()); for a time a few HEADs (see refine_times()).
//
// An object that went away meanwhile means a new plan for the same state; what was read stays. A damaged object is done
// without where others hold the same, which is then told in the report.
//
// The output appears complete, synced and checked, or not at all. Nothing else is left behind, except by an
// interruption (a stop, the network, a full disk, a kill) after checkpoint_bytes: the unfinished file and a record of
// its pages stay beside the output (restore_resume.h), and the next restore of the same state to the same output reads
// only what is missing. Another state, or another backup, begins anew and takes the old one away. An unfinished file
// whose objects state no database checksum counts by whole objects.
//   not_found         no backup at `replica`, no such TXID or time, or that state is a deleted database
//   conflict          output exists, or is open elsewhere (see OnExistingOutput)
//   corrupt           an object (named) breaks the format, the chain has a gap, or a proof failed; the error names the
//                     nearest states that can be restored
//   invalid           output is no place for a file
//   cancelled         deadline or stop
//   the store's own, and io for the local disk
base::Result<RestoreReport> restore(storage::ObjectStore& store, std::string_view replica,
                                    const RestoreOptions& options);

}  // namespace engine
