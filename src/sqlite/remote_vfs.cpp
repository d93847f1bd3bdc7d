#include "sqlite/remote_vfs.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "base/check.h"

namespace sqlite {
namespace {

constexpr int kTemporary =
    SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_SUBJOURNAL;

std::string next_name() {
  static std::atomic<unsigned> number{0};
  return "litestream-manager-remote-" + std::to_string(++number);
}

}  // namespace

struct RemoteVfs::File {
  sqlite3_file base;  // first: SQLite sees this one
  RemoteVfs* vfs;
};

// What SQLite calls. None of them lets an exception out: SQLite is C.
struct RemoteVfs::Calls {
  static RemoteVfs& of(sqlite3_vfs* vfs) { return *static_cast<RemoteVfs*>(vfs->pAppData); }
  static RemoteVfs& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->vfs; }

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    RemoteVfs& self = of(vfs);
    file->pMethods = nullptr;
    if ((flags & kTemporary) != 0) return self.local_->xOpen(self.local_, name, file, flags, out_flags);
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || self.opened_) return SQLITE_CANTOPEN;
    self.opened_ = true;
    reinterpret_cast<File*>(file)->vfs = &self;
    file->pMethods = &kMethods;
    if (out_flags != nullptr) *out_flags = SQLITE_OPEN_READONLY;
    return SQLITE_OK;
  }

  static int read(sqlite3_file* file, void* data, int length, sqlite3_int64 offset) {
    RemoteVfs& self = of(file);
    const std::uint64_t size = self.file_.size_bytes();
    const auto begin = static_cast<std::uint64_t>(std::max<sqlite3_int64>(offset, 0));
    auto* out = static_cast<std::uint8_t*>(data);
    const auto wanted = static_cast<std::size_t>(length);
    const std::size_t there =
        begin >= size ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size - begin));
    std::fill(out + there, out + wanted, std::uint8_t{0});
    if (there > 0) {
      try {
        if (auto done = self.file_.read_at(begin, {out, there}); !done) {
          self.error_ = std::move(done).error();
          return SQLITE_IOERR_READ;
        }
      } catch (const std::exception&) {
        return SQLITE_IOERR_NOMEM;
      }
    }
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }

  static int close(sqlite3_file* file) {
    of(file).opened_ = false;
    return SQLITE_OK;
  }
  static int write(sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; }
  static int truncate(sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; }
  static int sync(sqlite3_file*, int) { return SQLITE_OK; }
  static int size(sqlite3_file* file, sqlite3_int64* bytes) {
    *bytes = static_cast<sqlite3_int64>(of(file).file_.size_bytes());
    return SQLITE_OK;
  }
  // Nobody can be in the way of what never changes.
  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int is_reserved(sqlite3_file*, int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 4096; }
  static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_IMMUTABLE; }

  static int remove(sqlite3_vfs*, const char*, int) { return SQLITE_OK; }
  static int access(sqlite3_vfs*, const char*, int, int* there) {
    *there = 0;
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs*, const char* name, int room, char* out) {
    if (std::strlen(name) >= static_cast<std::size_t>(room)) return SQLITE_CANTOPEN;
    std::strncpy(out, name, static_cast<std::size_t>(room));
    return SQLITE_OK;
  }
  static int randomness(sqlite3_vfs* vfs, int count, char* out) {
    return of(vfs).local_->xRandomness(of(vfs).local_, count, out);
  }
  static int pause(sqlite3_vfs* vfs, int microseconds) { return of(vfs).local_->xSleep(of(vfs).local_, microseconds); }
  static int now(sqlite3_vfs* vfs, double* julian) { return of(vfs).local_->xCurrentTime(of(vfs).local_, julian); }
  static int now_ms(sqlite3_vfs* vfs, sqlite3_int64* ms) {
    return of(vfs).local_->xCurrentTimeInt64(of(vfs).local_, ms);
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static constexpr sqlite3_io_methods kMethods{.iVersion = 1,
                                               .xClose = close,
                                               .xRead = read,
                                               .xWrite = write,
                                               .xTruncate = truncate,
                                               .xSync = sync,
                                               .xFileSize = size,
                                               .xLock = lock,
                                               .xUnlock = lock,
                                               .xCheckReservedLock = is_reserved,
                                               .xFileControl = control,
                                               .xSectorSize = sector_size,
                                               .xDeviceCharacteristics = characteristics,
                                               .xShmMap = nullptr,
                                               .xShmLock = nullptr,
                                               .xShmBarrier = nullptr,
                                               .xShmUnmap = nullptr,
                                               .xFetch = nullptr,
                                               .xUnfetch = nullptr};
};

RemoteVfs::RemoteVfs(RemoteFile& file) : file_(file), local_(sqlite3_vfs_find(nullptr)), name_(next_name()) {
  CHECK(local_ != nullptr && local_->iVersion >= 2);
  vfs_.iVersion = 2;
  vfs_.szOsFile = std::max(local_->szOsFile, static_cast<int>(sizeof(File)));
  vfs_.mxPathname = local_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = Calls::open;
  vfs_.xDelete = Calls::remove;
  vfs_.xAccess = Calls::access;
  vfs_.xFullPathname = Calls::full_path;
  vfs_.xRandomness = Calls::randomness;
  vfs_.xSleep = Calls::pause;
  vfs_.xCurrentTime = Calls::now;
  vfs_.xGetLastError = Calls::last_error;
  vfs_.xCurrentTimeInt64 = Calls::now_ms;
  CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

RemoteVfs::~RemoteVfs() {
  sqlite3_vfs_unregister(&vfs_);
}

std::optional<base::Error> RemoteVfs::take_error() {
  return std::exchange(error_, std::nullopt);
}

}  // namespace sqlite
