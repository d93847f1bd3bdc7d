// What a database file says about itself, read raw through a read-only descriptor: no lock, no SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "os/closer.h"
#include "os/file.h"

namespace engine {

enum class JournalMode : std::uint8_t { wal, rollback };

enum class DatabaseKind : std::uint8_t {
  gone,      // no such file
  empty,     // 0 bytes, or less than a header: waits for its first write
  database,  // page size and journal mode are known
  refused,   // exists and cannot be captured; `reason` says why and how to mend it
};

struct DatabaseInfo {
  DatabaseKind kind = DatabaseKind::gone;
  std::string reason;
  os::FileStat stat;
  std::uint32_t page_size = 0;
  JournalMode mode = JournalMode::wal;
  std::uint32_t claimed_pages = 0;  // size that the header tells, where it is valid; else 0
};

// `closer` takes the descriptor afterwards (a close drops POSIX locks of this process on the inode). io is passed on.
base::Result<DatabaseInfo> inspect_database(const std::filesystem::path& path, os::FileCloser& closer);
// The same of a file that is open already.
base::Result<DatabaseInfo> inspect_database(const os::File& file);

// Rollback mode: the change counter, if no transaction is being written right now; nullopt if one is (or a hot journal
// waits for its recovery). Two equal answers around a read of the pages prove that it saw one committed state: a writer
// that was active in between either still holds its lock at the end or has moved the counter.
enum class RollbackCheck : std::uint8_t { before_reading, after_reading };
base::Result<std::optional<std::uint32_t>> quiet_change_counter(const os::File& database,
                                                                const std::filesystem::path& path, RollbackCheck check);

}  // namespace engine
