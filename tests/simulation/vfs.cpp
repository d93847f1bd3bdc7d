#include "vfs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace simulation {

namespace {

constexpr double kTornWrite = 0.03;  // chance that others see a write half done
constexpr Nanos kSyncCost = 300 * kMicro;

Observer& observer() {
  static Observer function;
  return function;
}

Machine& machine() {
  return Machine::current();
}

std::string database_of(std::string_view path) {
  for (const std::string_view suffix : {"-wal", "-shm", "-journal"}) {
    if (path.ends_with(suffix)) return std::string(path.substr(0, path.size() - suffix.size()));
  }
  return std::string(path);
}

int close_file(sqlite3_file* file) {
  const std::unique_ptr<State> state(std::exchange(reinterpret_cast<VfsFile*>(file)->state, nullptr));
  vfs::step(*state, Op::close, SQLITE_IOERR);
  if (Description* open = vfs::description(*state)) {
    Disk::unlock(*open->inode, state->owner, 0, UINT64_MAX);
    machine().disk.close(state->descriptor);
    if (state->delete_on_close && !state->path.empty()) machine().disk.unlink(state->path);
  }
  if (!state->process->dead) vfs::observed(*state);
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
  State& state = vfs::state_of(file);
  if (const int failed = vfs::step(state, Op::read, SQLITE_IOERR_READ); failed != SQLITE_OK) return failed;
  const base::MutableByteView bytes(static_cast<std::uint8_t*>(out), static_cast<std::size_t>(count));
  const std::size_t got = vfs::description(state)->inode->read(static_cast<std::uint64_t>(offset), bytes);
  if (got == bytes.size()) return SQLITE_OK;
  std::ranges::fill(bytes.subspan(got), std::uint8_t{0});
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* in, int count, sqlite3_int64 offset) {
  State& state = vfs::state_of(file);
  if (const int failed = vfs::step(state, Op::write, SQLITE_IOERR_WRITE); failed != SQLITE_OK) {
    return !state.process->dead && machine().world.random().chance(0.5) ? SQLITE_FULL : failed;
  }
  base::ByteView bytes(static_cast<const std::uint8_t*>(in), static_cast<std::size_t>(count));
  if (bytes.size() >= 512 && !state.process->faultless && machine().world.random().chance(kTornWrite)) {
    const std::size_t half = machine().world.random().below(bytes.size());
    machine().disk.write(*vfs::description(state), static_cast<std::uint64_t>(offset), bytes.first(half));
    if (const int failed = vfs::step(state, Op::write, SQLITE_IOERR_WRITE); failed != SQLITE_OK) return failed;
    bytes = bytes.subspan(half);
    offset += static_cast<sqlite3_int64>(half);
  }
  machine().disk.write(*vfs::description(state), static_cast<std::uint64_t>(offset), bytes);
  if (state.is_journal) vfs::observed(state);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  State& state = vfs::state_of(file);
  if (const int failed = vfs::step(state, Op::truncate, SQLITE_IOERR_TRUNCATE); failed != SQLITE_OK) return failed;
  machine().disk.truncate(*vfs::description(state), static_cast<std::uint64_t>(size));
  if (state.is_journal) vfs::observed(state);
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  State& state = vfs::state_of(file);
  if (const int failed = vfs::step(state, Op::sync, SQLITE_IOERR_FSYNC, kSyncCost); failed != SQLITE_OK) return failed;
  machine().disk.sync(*vfs::description(state));
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  State& state = vfs::state_of(file);
  if (const int failed = vfs::step(state, Op::stat, SQLITE_IOERR_FSTAT); failed != SQLITE_OK) return failed;
  *size = static_cast<sqlite3_int64>(vfs::description(state)->inode->size);
  return SQLITE_OK;
}

int file_control(sqlite3_file* file, int op, void* argument) {
  if (op == SQLITE_FCNTL_HAS_MOVED) {
    const State& state = vfs::state_of(file);
    const Description* open = vfs::description(state);
    *static_cast<int*>(argument) =
        open != nullptr && !state.path.empty() && machine().disk.find(state.path) != open->inode ? 1 : 0;
    return SQLITE_OK;
  }
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
  return 4096;
}
int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = vfs::lock,
    .xUnlock = vfs::unlock,
    .xCheckReservedLock = vfs::check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = vfs::shm_map,
    .xShmLock = vfs::shm_lock,
    .xShmBarrier = vfs::shm_barrier,
    .xShmUnmap = vfs::shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  auto state = std::make_unique<State>();
  state->process = machine().world.process();
  CHECK(state->process != nullptr);
  state->path = name == nullptr ? std::string() : std::string(name);
  state->database = database_of(state->path);
  state->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  state->is_journal = (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0;
  state->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  if (const int failed = vfs::step(*state, Op::open, SQLITE_CANTOPEN); failed != SQLITE_OK) return failed;
  Disk::OpenMode mode;
  mode.write = (flags & SQLITE_OPEN_READWRITE) != 0;
  mode.create = (flags & SQLITE_OPEN_CREATE) != 0;
  mode.exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
  state->descriptor = machine().disk.open(*state->process, state->path, mode);
  if (state->descriptor < 0) return SQLITE_CANTOPEN;
  state->owner = machine().disk.new_owner();
  if (out_flags != nullptr) *out_flags = flags;
  reinterpret_cast<VfsFile*>(file)->state = state.release();
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int) {
  State state;
  state.process = machine().world.process();
  state.path = name;
  state.database = database_of(state.path);
  if (const int failed = vfs::step(state, Op::name, SQLITE_IOERR_DELETE); failed != SQLITE_OK) return failed;
  if (machine().disk.unlink(state.path) != 0) return SQLITE_IOERR_DELETE_NOENT;
  vfs::observed(state);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs*, const char* name, int flags, int* answer) {
  State state;
  state.process = machine().world.process();
  state.path = name;
  if (const int failed = vfs::step(state, Op::stat, SQLITE_IOERR_ACCESS); failed != SQLITE_OK) return failed;
  const InodePtr inode = machine().disk.find(name);
  *answer = inode != nullptr && (flags != SQLITE_ACCESS_EXISTS || inode->size > 0) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  if (std::strlen(name) + 1 > static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, std::strlen(name) + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int count, char* out) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<char>(machine().world.random().next());
  return count;
}

int wait_for_time(sqlite3_vfs*, int microseconds) {
  World& world = machine().world;
  if (world.in_fiber() && !world.process()->faultless) world.let_pass(microseconds * kMicro);
  return microseconds;
}

int current_time(sqlite3_vfs*, sqlite3_int64* julian_millis) {
  constexpr sqlite3_int64 kUnixEpoch = 24405875LL * 8640000LL;
  *julian_millis = kUnixEpoch + (kEpoch + machine().world.now()) / kMilli;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

void register_vfs() {
  static sqlite3_vfs vfs = {
      .iVersion = 2,
      .szOsFile = sizeof(VfsFile),
      .mxPathname = 256,
      .pNext = nullptr,
      .zName = "simulated",
      .pAppData = nullptr,
      .xOpen = open_file,
      .xDelete = delete_file,
      .xAccess = access_file,
      .xFullPathname = full_path,
      .xDlOpen = nullptr,
      .xDlError = nullptr,
      .xDlSym = nullptr,
      .xDlClose = nullptr,
      .xRandomness = randomness,
      .xSleep = wait_for_time,
      .xCurrentTime = nullptr,
      .xGetLastError = last_error,
      .xCurrentTimeInt64 = current_time,
      .xSetSystemCall = nullptr,
      .xGetSystemCall = nullptr,
      .xNextSystemCall = nullptr,
  };
  CHECK(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}

void observe_commits(Observer function) {
  observer() = std::move(function);
}

namespace vfs {

State& state_of(sqlite3_file* file) {
  return *reinterpret_cast<VfsFile*>(file)->state;
}

Description* description(const State& state) {
  return machine().disk.at(state.descriptor);
}

int step(const State& state, Op op, int failure, Nanos cost) {
  Process* process = state.process;
  // What was written into the mapped index since the last call of this thread is seen before anybody else runs.
  if (!process->dead) observed(state);
  if (process->dead) return failure;
  if (state.path.starts_with(kState)) {
    // The daemon holds a mutex of its own around its state database, so its threads do not change places here.
    World& world = machine().world;
    ++world.steps;
    world.hash(static_cast<std::uint64_t>(op) + 77);
    if (!world.faults_over && world.random().chance(process->kill_at_step)) world.kill(*process);
    if (process->dead) return failure;
    if (!world.faults_over && world.random().chance(process->rates.of(op) / 4)) {
      ++world.faults[static_cast<std::size_t>(op)];
      if (world.records_lines()) world.note(process->name + ": state.db " + std::string(name_of(op)) + " FAILS");
      return failure;
    }
    return SQLITE_OK;
  }
  if (machine().world.step(op, state.path, cost) != 0 || process->dead) return failure;
  return SQLITE_OK;
}

void observed(const State& state) {
  if (observer() && is_tenants(state.database)) observer()(state.database);
}

void note_refusal(Process& process, const std::vector<Lock>& by, std::string_view what) {
  const auto ours = [](const Lock& lock) { return lock.pid == -1 || lock.pid < 100; };
  if (process.is_daemon || !std::ranges::all_of(by, ours)) return;
  process.stopped_by_us = true;
  if (machine().world.records_lines()) {
    machine().world.note(process.name + ": a lock of the daemon is in the way: " + std::string(what));
  }
}

}  // namespace vfs

}  // namespace simulation
