// Keeps a log as it is while a large database is read: not started again, not deleted at a last close. Appending and
// checkpointing go on. Three shared open-file-description locks through read-only descriptors: on the database (no
// close is the last one), on the index's dead-man switch (nobody rebuilds it) and on one of its unused read slots
// (nobody starts the log again). Writes nothing, opens no SQLite.
//
// For seconds at most, and only where nothing else makes a backup: while it is held a RESTART or TRUNCATE checkpoint
// waits, `journal_mode` and `locking_mode` cannot be changed, and an application that ends leaves its log behind, which
// has to be cleared away afterwards (decision 0008).
//
// One thread at a time. Blocks for local calls only.
#pragma once

#include <filesystem>

#include "os/closer.h"
#include "os/file.h"
#include "os/file_lock.h"

namespace engine {

class LogKeeper {
 public:
  explicit LogKeeper(os::FileCloser& closer) : closer_(closer) {}
  ~LogKeeper() { release(); }
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  // Takes what can be had at this moment; complete() tells. Where nobody is attached right now it holds the database
  // alone, so that the next application's log stays: call again soon.
  void take(const std::filesystem::path& database);
  void release();

  [[nodiscard]] bool held() const { return database_lock_.held(); }
  [[nodiscard]] bool complete() const { return slot_lock_.held(); }
  // This index was vouched for when it was locked and cannot have been rebuilt since.
  [[nodiscard]] bool vouches_for(const os::File& shm) const;

 private:
  bool take_database(const std::filesystem::path& database);
  bool take_index(const std::filesystem::path& index);
  bool take_slot();
  void release_index();

  os::FileCloser& closer_;
  os::File database_, index_;
  os::SharedLock database_lock_, index_lock_, slot_lock_;
};

}  // namespace engine
