#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "os/file.h"
#include "os/translate.h"

namespace os {

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

std::int64_t nanos(const struct statx_timestamp& time) {
  return std::int64_t{time.tv_sec} * kNanosPerSecond + std::int64_t{time.tv_nsec};
}

// statx rather than stat: only it knows when a file was born, which tells a re-created file from the one before when
// the inode number is reused.
base::Result<FileStat> stat_at(int fd, const char* path, int flags, const fs::path& subject) {
  struct statx raw{};
  if (::statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &raw) != 0) {
    return base::fail(error_of_errno(errno, "stat", subject));
  }
  FileStat stat;
  stat.device = ::makedev(raw.stx_dev_major, raw.stx_dev_minor);
  stat.inode = raw.stx_ino;
  stat.links = raw.stx_nlink;
  stat.size_bytes = raw.stx_size;
  stat.modified_ns = nanos(raw.stx_mtime);
  stat.changed_ns = nanos(raw.stx_ctime);
  if ((raw.stx_mask & STATX_BTIME) != 0) stat.born_ns = nanos(raw.stx_btime);
  stat.owner_uid = raw.stx_uid;
  stat.is_directory = S_ISDIR(raw.stx_mode);
  stat.is_regular = S_ISREG(raw.stx_mode);
  return stat;
}

}  // namespace

base::Result<FileStat> File::stat() const {
  return stat_at(fd_, "", AT_EMPTY_PATH, "descriptor " + std::to_string(fd_));
}

base::Result<FileStat> stat_path(const fs::path& path) {
  return stat_at(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, path);
}

base::Result<FileSystemKind> file_system_kind(const fs::path& path) {
  struct statfs raw{};
  if (::statfs(path.c_str(), &raw) != 0) return base::fail(error_of_errno(errno, "statfs", path));
  return kind_of_magic(static_cast<std::uint32_t>(raw.f_type));
}

}  // namespace os
