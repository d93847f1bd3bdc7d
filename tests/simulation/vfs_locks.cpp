// Locks and the shared wal-index of SQLite's unix VFS, system call by system call.
#include <algorithm>

#include "os/file_lock.h"
#include "vfs.h"

namespace simulation::vfs {

namespace {

constexpr std::uint64_t kPending = os::kDbPendingByte, kReserved = os::kDbReservedByte, kShared = os::kDbSharedFirst,
                        kSharedEnd = os::kDbSharedFirst + os::kDbSharedSize;
constexpr std::uint64_t kShmFirst = 120, kDms = os::kShmDmsByte;

Machine& machine() {
  return Machine::current();
}

enum class Kind : std::uint8_t { shared, exclusive };

// One fcntl(F_SETLK).
int take(const State& state, Inode& inode, std::uint64_t owner, std::uint64_t first, std::uint64_t end, Kind kind,
         std::string_view what) {
  std::vector<Lock> by;
  if (Disk::set_lock(inode, {owner, state.process->pid, first, end, kind == Kind::exclusive}, &by)) return SQLITE_OK;
  note_refusal(*state.process, by, what);
  return SQLITE_BUSY;
}

int lock_shared(State& state, Inode& inode) {
  if (const int busy = take(state, inode, state.owner, kPending, kPending + 1, Kind::shared, "PENDING");
      busy != SQLITE_OK) {
    return busy;
  }
  const int code = take(state, inode, state.owner, kShared, kSharedEnd, Kind::shared, "SHARED");
  Disk::unlock(inode, state.owner, kPending, kPending + 1);
  return code;
}

int lock_exclusive(State& state, Inode& inode) {
  if (state.level < SQLITE_LOCK_PENDING) {
    if (const int busy = take(state, inode, state.owner, kPending, kPending + 1, Kind::exclusive, "PENDING");
        busy != SQLITE_OK) {
      return busy;
    }
    state.level = SQLITE_LOCK_PENDING;
  }
  return take(state, inode, state.owner, kShared, kSharedEnd, Kind::exclusive, "SHARED, exclusively");
}

// The first one to attach truncates the index, holding the dead-man switch exclusively meanwhile.
int attach_to_index(State& state) {
  if (const int failed = step(state, Op::lock, SQLITE_IOERR_LOCK); failed != SQLITE_OK) return failed;
  Description* shm = machine().disk.at(state.shm);
  const Lock* holder = Disk::conflict(*shm->inode, state.shm_owner, -2, kDms, kDms + 1);
  if (holder != nullptr && holder->exclusive) return SQLITE_BUSY;
  if (holder == nullptr) {
    if (const int failed = step(state, Op::lock, SQLITE_IOERR_LOCK); failed != SQLITE_OK) return failed;
    shm = machine().disk.at(state.shm);
    if (const int busy = take(state, *shm->inode, state.shm_owner, kDms, kDms + 1, Kind::exclusive, "DMS");
        busy != SQLITE_OK) {
      return busy;
    }
    if (const int failed = step(state, Op::truncate, SQLITE_IOERR_SHMOPEN); failed != SQLITE_OK) return failed;
    machine().disk.truncate(*machine().disk.at(state.shm), 3);
    if (const int failed = step(state, Op::lock, SQLITE_IOERR_LOCK); failed != SQLITE_OK) return failed;
  }
  shm = machine().disk.at(state.shm);
  return take(state, *shm->inode, state.shm_owner, kDms, kDms + 1, Kind::shared, "DMS");
}

void close_index(State& state) {
  if (const Description* shm = machine().disk.at(state.shm)) {
    Disk::unlock(*shm->inode, state.shm_owner, 0, UINT64_MAX);
    machine().disk.close(state.shm);
  }
  state.shm = -1;
}

int open_index(State& state) {
  if (const int failed = step(state, Op::open, SQLITE_CANTOPEN); failed != SQLITE_OK) return failed;
  state.shm = machine().disk.open(*state.process, state.database + "-shm", {.write = true, .create = true});
  state.shm_owner = machine().disk.new_owner();
  const int code = attach_to_index(state);
  if (code != SQLITE_OK) close_index(state);
  return code;
}

}  // namespace

int lock(sqlite3_file* file, int level) {
  State& state = state_of(file);
  if (state.level >= level) return SQLITE_OK;
  if (const int failed = step(state, Op::lock, SQLITE_IOERR_LOCK); failed != SQLITE_OK) return failed;
  Inode& inode = *description(state)->inode;
  int code = SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    code = lock_shared(state, inode);
  } else if (level == SQLITE_LOCK_RESERVED) {
    code = take(state, inode, state.owner, kReserved, kReserved + 1, Kind::exclusive, "RESERVED");
  } else {
    code = lock_exclusive(state, inode);
  }
  if (code == SQLITE_OK) state.level = level;
  return code;
}

int unlock(sqlite3_file* file, int level) {
  State& state = state_of(file);
  if (state.level <= level) return SQLITE_OK;
  if (const int failed = step(state, Op::close, SQLITE_IOERR_UNLOCK); failed != SQLITE_OK) return failed;
  Inode& inode = *description(state)->inode;
  observed(state);
  if (level == SQLITE_LOCK_SHARED) {
    take(state, inode, state.owner, kShared, kSharedEnd, Kind::shared, "SHARED");
    Disk::unlock(inode, state.owner, kPending, kReserved + 1);
  } else {
    Disk::unlock(inode, state.owner, 0, UINT64_MAX);
  }
  state.level = level;
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* file, int* reserved) {
  State& state = state_of(file);
  if (const int failed = step(state, Op::lock, SQLITE_IOERR_CHECKRESERVEDLOCK); failed != SQLITE_OK) return failed;
  const Inode& inode = *description(state)->inode;
  *reserved =
      state.level > SQLITE_LOCK_SHARED || Disk::conflict(inode, state.owner, -2, kReserved, kReserved + 1) != nullptr
          ? 1
          : 0;
  return SQLITE_OK;
}

int shm_map(sqlite3_file* file, int region, int, int extend, void volatile** out) {
  State& state = state_of(file);
  *out = nullptr;
  if (state.shm < 0) {
    if (const int code = open_index(state); code != SQLITE_OK) return code;
  }
  if (const int failed = step(state, Op::map, SQLITE_IOERR_SHMMAP); failed != SQLITE_OK) return failed;
  Description* shm = machine().disk.at(state.shm);
  const std::uint64_t needed = (static_cast<std::uint64_t>(region) + 1) * kChunkBytes;
  if (shm->inode->size < needed) {
    if (extend == 0) return SQLITE_OK;
    const std::uint8_t zero = 0;
    machine().disk.write(*shm, needed - 1, {&zero, 1});
  }
  *out = shm->inode->region(static_cast<std::size_t>(region));
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  State& state = state_of(file);
  if (const int failed = step(state, (flags & SQLITE_SHM_UNLOCK) != 0 ? Op::close : Op::lock, SQLITE_IOERR_SHMLOCK);
      failed != SQLITE_OK) {
    return failed;
  }
  const Description* shm = machine().disk.at(state.shm);
  if (shm == nullptr) return SQLITE_IOERR_SHMLOCK;
  const std::uint64_t first = kShmFirst + static_cast<std::uint64_t>(offset);
  const std::uint64_t end = first + static_cast<std::uint64_t>(count);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    Disk::unlock(*shm->inode, state.shm_owner, first, end);
    return SQLITE_OK;
  }
  const Kind kind = (flags & SQLITE_SHM_EXCLUSIVE) != 0 ? Kind::exclusive : Kind::shared;
  return take(state, *shm->inode, state.shm_owner, first, end, kind, "wal-index " + std::to_string(first));
}

void shm_barrier(sqlite3_file* file) {
  step(state_of(file), Op::barrier, SQLITE_IOERR, 200);
}

int shm_unmap(sqlite3_file* file, int delete_it) {
  State& state = state_of(file);
  if (state.shm < 0) return SQLITE_OK;
  step(state, Op::name, SQLITE_IOERR);
  if (delete_it != 0 && !state.process->dead) machine().disk.unlink(state.database + "-shm");
  if (!state.process->dead) step(state, Op::close, SQLITE_IOERR);
  close_index(state);
  return SQLITE_OK;
}

}  // namespace simulation::vfs
