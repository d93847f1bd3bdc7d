// Switches a tenant's database from a rollback journal to WAL, which is what can be replicated.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace sqlite {

enum class SwitchOutcome : std::uint8_t {
  switched,
  already_wal,  // the file was not touched
  busy,         // somebody is in a transaction; nothing changed, ask again later
  refused,      // read-only, no permission, empty, or not a plain SQLite file (encrypted): nothing changed
};

// Never waits for locks, never creates a file, and leaves no -wal or -shm behind unless somebody else has opened the
// database meanwhile. Rolls a hot journal of a dead writer back, as any opener would. Some milliseconds, of which the
// fsyncs are most.
//
// The caller has made sure that
//   - the operator wants it: it is a lasting change to somebody else's file;
//   - we run as root or as the file's owner, so that what SQLite creates belongs to the right user;
//   - the file system is local (os::file_system_kind), so that the locks of others are visible;
//   - nobody in this process closes another descriptor of that inode meanwhile (os::FileCloser::Hold): the close would
//   drop
//     our locks. This includes one's own open File of it.
//
// not_found: no such file. corrupt, io: as read or reported by SQLite.
base::Result<SwitchOutcome> switch_to_wal(const std::filesystem::path& path);

}  // namespace sqlite
