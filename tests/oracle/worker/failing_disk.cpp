#include "oracle/worker/failing_disk.h"

#include <random>

#include <sqlite3.h>

namespace oracle {

namespace {

// SQLite's interface takes plain functions, so what they need lives here. One thread.
struct Disk {
  FailureRates rates;
  std::mt19937_64 random;
  sqlite3_vfs vfs{};
  const sqlite3_vfs* real = nullptr;
  sqlite3_io_methods log_methods{};
  const sqlite3_io_methods* real_log_methods = nullptr;

  bool fails(int per_mille) { return std::uniform_int_distribution<>(1, 1000)(random) <= per_mille; }
};

Disk& disk() {
  static Disk the_disk;
  return the_disk;
}

int sync_log(sqlite3_file* file, int flags) {
  if (disk().fails(disk().rates.sync_per_mille)) return SQLITE_IOERR_FSYNC;
  return disk().real_log_methods->xSync(file, flags);
}

int write_log(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  if (disk().fails(disk().rates.write_per_mille)) return SQLITE_FULL;
  return disk().real_log_methods->xWrite(file, bytes, size, at);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int code = disk().real->xOpen(vfs, name, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
  disk().real_log_methods = file->pMethods;
  disk().log_methods = *file->pMethods;
  disk().log_methods.xSync = sync_log;
  disk().log_methods.xWrite = write_log;
  file->pMethods = &disk().log_methods;
  return code;
}

}  // namespace

void make_logs_fail(const FailureRates& rates, std::uint64_t seed) {
  disk().rates = rates;
  disk().random.seed(seed);
  disk().real = sqlite3_vfs_find(nullptr);
  disk().vfs = *disk().real;
  disk().vfs.pNext = nullptr;
  disk().vfs.zName = "failing";
  disk().vfs.xOpen = open_file;
  sqlite3_vfs_register(&disk().vfs, 1);
}

}  // namespace oracle
