// Brings the newest state of one database back from the bucket, proves it, and only then gives it its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/restore_download.h"
#include "engine/restore_output.h"
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
  unsigned parallel_downloads = 8;
  IntegrityCheck integrity_check = IntegrityCheck::quick;
  OnDownloadProgress on_progress;  // called on the calling thread; starts anew if the plan has to be made anew
  storage::CallContext context;    // for the whole restore
  // Downloads up to this size stay in memory; larger ones are spooled beside the output.
  std::uint64_t in_memory_bytes_max = 32U << 20;
};

struct RestoreReport {
  base::Txid txid;
  base::UnixMillis timestamp{0};  // of the newest file
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint64_t downloaded_bytes = 0;
  std::size_t objects = 0;
  std::uint64_t database_checksum = 0;
  // The newest file states the database's checksum (ltx/provenance.h), and it is the one above.
  bool checksum_proven = false;
  IntegrityCheck integrity_check = IntegrityCheck::none;
  // Why SQLite's check could not be finished, where that is not the backup's fault: the schema needs a collation or
  // function that only the application has.
  std::optional<std::string> integrity_note;
  // Set where a file was replaced whose owner could not be kept, and what to do.
  std::optional<std::string> owner_note;
};

// `replica` is the path below the bucket ("databases/{GUID}"). Blocks for as long as it takes; one thread; must not be
// called from the store's. Memory: at most 48 MiB of objects, plus about 24 KiB and four pages per planned object.
// Disk: the database, and the size of the objects where they are spooled. Requests: a LIST per level and a GET per
// object; of objects above 2 MiB a GET per 2 MiB (with 8 parallel downloads).
//
// The output appears complete, synced and checked, or not at all; nothing else is left behind.
//   not_found         no backup at `replica`, or its newest state is a deleted database
//   conflict          output exists, or is open elsewhere (see OnExistingOutput)
//   corrupt           an object (named) breaks the format, the chain has a gap, or a proof failed; try an older state
//   invalid           output is no place for a file
//   cancelled         deadline or stop
//   the store's own, and io for the local disk
base::Result<RestoreReport> restore_latest(storage::ObjectStore& store, std::string_view replica,
                                           const RestoreOptions& options);

}  // namespace engine
