// What the database file beside its log holds at this moment, read raw: no lock, no SQLite, nothing written. For
// comparing a live database with its backup.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/error.h"
#include "os/closer.h"

namespace engine {

struct LocalState {
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint64_t checksum = 0;      // ltx/checksum.h
  base::UnixMillis changed_at{0};  // the newer of the two files' times
};

// One committed state: file, overlaid by the committed frames of the log, where neither of them, nor the log's index,
// moved from before the first byte to after the last one. Committed is what the index says while a process is attached;
// else what a recovery will accept. nullopt: they moved, or a transaction was under way, or nobody but a daemon holds
// the index (LogKeeper), at each of three tries. Blocks for as long as reading the file takes; 1 MiB of memory and 12
// bytes per page in the log. Any thread that has no SQLite connection open on the file; `closer` takes the descriptors.
//   not_found  no such file
//   corrupt    it is no SQLite database
//   cancelled, io, denied
base::Result<std::optional<LocalState>> read_local_state(const std::filesystem::path& database, os::FileCloser& closer,
                                                         const std::stop_token& stop);

}  // namespace engine
