// Questions about other processes' locks, and our own open-file-description locks. Byte positions are SQLite's:
// on X.db 0x40000000 PENDING, +1 RESERVED, +2 .. +511 SHARED; on X.db-shm 120 WRITE, 121 CKPT, 122 RECOVER, 123 to 127
// READ(0) to READ(4), 128 DMS.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.h"
#include "os/file.h"

namespace os {

inline constexpr std::uint64_t kDbPendingByte = 0x40000000;
inline constexpr std::uint64_t kDbReservedByte = kDbPendingByte + 1;
inline constexpr std::uint64_t kDbSharedFirst = kDbPendingByte + 2;
inline constexpr std::uint64_t kDbSharedSize = 510;
inline constexpr std::uint64_t kShmWriteByte = 120;
inline constexpr std::uint64_t kShmCheckpointByte = 121;
inline constexpr std::uint64_t kShmRead0Byte = 123;
inline constexpr std::uint64_t kShmDmsByte = 128;

struct LockHolder {
  std::int32_t pid = 0;  // 0: a process of another pid namespace; -1: an open-file-description lock (never vouches)
  bool exclusive = false;
};

// Who holds a lock that would stop an exclusive lock on [first, first + count)? nullopt: nobody that we can see. Does
// not lock. Never blocks.
base::Result<std::optional<LockHolder>> lock_holder(const File& file, std::uint64_t first, std::uint64_t count = 1);

// True if a lock of another *process* is seen on the byte range (pid neither -1 nor our own). An open-file-description
// lock taken earlier on the same bytes through another descriptor can hide it: ask through the file that holds ours.
bool foreign_process_lock(const File& file, std::uint64_t first, std::uint64_t count = 1);

// A shared open-file-description lock, taken without waiting, released by the destructor.
class SharedLock {
 public:
  SharedLock() = default;
  ~SharedLock();
  SharedLock(SharedLock&& other) noexcept;
  SharedLock& operator=(SharedLock&& other) noexcept;
  // nullopt: somebody holds it exclusively. `file` must outlive the lock.
  static base::Result<std::optional<SharedLock>> try_lock(const File& file, std::uint64_t first,
                                                          std::uint64_t count = 1);
  [[nodiscard]] bool held() const { return fd_ >= 0; }
  void release();

 private:
  int fd_ = -1;
  std::uint64_t first_ = 0, count_ = 0;
};

// Locks the open file itself (flock), exclusively and without waiting, until its last descriptor is closed. False:
// another description holds it. Says nothing about record locks, so SQLite may use the file meanwhile.
base::Result<bool> lock_description(const File& file);

// An exclusive advisory lock on a lock file of ours (one daemon per state directory). Held until destroyed.
class ExclusiveFileLock {
 public:
  static base::Result<ExclusiveFileLock> acquire(const fs::path& path);  // conflict if another process has it

 private:
  explicit ExclusiveFileLock(File file) : file_(std::move(file)) {}
  File file_;
};

// A read lease was granted (and given back at once): nobody has the file open for writing, as far as this file system
// can tell. Refused, unsupported or not permitted is false. Only for files that have been quiet for seconds: whoever
// opens such a file for writing meanwhile waits for us. Ignores SIGIO in this process unless somebody handles it.
bool read_leases_granted(const File& file);

}  // namespace os
