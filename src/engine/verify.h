// Proves that a backup can be restored, before it is needed: reads a whole restore plan from the bucket, every byte of
// every object, and compares what comes out with what was recorded when it was stored, and with the live database.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/ledger_view.h"
#include "engine/restore.h"
#include "engine/state_reader.h"
#include "os/closer.h"
#include "storage/object_store.h"

namespace engine {

enum class BackupVerdict : std::uint8_t {
  ok,
  warning,  // something is late, or is missing and can be done without
  failure,  // something is lost
};
std::string_view to_string(BackupVerdict verdict);

// Whether the live database holds the same.
enum class SourceComparison : std::uint8_t {
  not_compared,  // `source_note` says why
  equal,
  differs,
};

struct Finding {
  BackupVerdict verdict = BackupVerdict::ok;
  std::string object;  // key; empty: not about one
  std::string text;    // what is wrong, and what to do
};

struct VerifyReport {
  BackupVerdict verdict = BackupVerdict::ok;  // the worst of the findings
  base::UnixMillis at{0};                     // when it began
  std::chrono::milliseconds duration{0};
  StateRead state;  // what was read; TXID 0: nothing whole
  SourceComparison source = SourceComparison::not_compared;
  std::string source_note;
  IntegrityCheck integrity_check = IntegrityCheck::none;
  std::vector<Finding> findings;  // the worst first, and of those the ones that name an object
};

struct VerifyOptions {
  unsigned parallel_downloads = 16;
  std::uint64_t waiting_bytes_max = 20U << 20;  // asked for and not yet looked at: most of the memory
  IntegrityCheck integrity_check = IntegrityCheck::none;
  // Where the state is written for SQLite's check, and removed again. Needs room for the database. Unused without.
  std::filesystem::path scratch_directory;
  // What the daemon's state says of this client, asked anew each time; empty: there is no state to compare with.
  std::function<base::Result<std::optional<RecordedBackup>>()> record;
  os::FileCloser* closer = nullptr;               // null: the live database is not compared
  std::chrono::milliseconds late_after{300'000};  // local changes that are not stored by then are worth a warning
  OnDownloadProgress on_progress;
  storage::CallContext context;
};

// Blocks for as long as a restore; memory as restore() has it, and 8 bytes a page where objects do not fit together.
// Every fault of the backup becomes a finding that names the object. An error means that there is no verdict:
//   not_found  no backup here, and nothing recorded
//   cancelled, io (scratch directory), and the store's own where it does not answer
base::Result<VerifyReport> verify_backup(storage::ObjectStore& store, std::string_view replica,
                                         const VerifyOptions& options);

}  // namespace engine
