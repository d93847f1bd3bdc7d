// Clears away a log that an application left behind, as the next opener would: its commits go into the database file,
// log and index are deleted.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace sqlite {

// Never waits for locks. Somebody who attaches meanwhile keeps the log, which is then theirs to clear away. As long as
// the copying takes; the log's commits are unchanged in any case.
//
// The caller has made sure that nobody was attached a moment ago (engine::nobody_attached), and of what
// switch_to_wal() asks for: root or the file's owner, a local file system, no closes of that inode in this process.
//
// retry_later: somebody is in the way. not_found, denied, corrupt, io: as reported by SQLite.
base::Result<> clear_left_log(const std::filesystem::path& path);

}  // namespace sqlite
