#include "os/file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "os/translate.h"

namespace os {

namespace {

// O_NONBLOCK means nothing for regular files; without it a FIFO that somebody named like a log would block us for ever.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

int open_at(int directory, const char* name) {
  // Reading must not dirty the tenant's inode. Only the file's owner and root may ask for that.
  const int fd = ::openat(directory, name, kReadFlags | O_NOATIME);
  if (fd >= 0 || errno != EPERM) return fd;
  return ::openat(directory, name, kReadFlags);
}

base::Result<int> open_for_writing(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return base::fail(error_of_errno(errno, "create", path));
  return fd;
}

// Names a file in messages; descriptors carry no name of their own.
fs::path name_of(int fd) {
  std::error_code ignored;
  const fs::path link = fs::path("/proc/self/fd") / std::to_string(fd);
  fs::path target = fs::read_symlink(link, ignored);
  return target.empty() ? fs::path("descriptor " + std::to_string(fd)) : target;
}

}  // namespace

File::~File() {
  close();
}

File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void File::close() {
  // The descriptor is gone whatever close() answers, also after EINTR: there is nothing to retry.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

base::Result<File> File::open_read_only(const fs::path& path) {
  const int fd = open_at(AT_FDCWD, path.c_str());
  if (fd < 0) return base::fail(error_of_errno(errno, "open", path));
  return File(fd);
}

base::Result<File> File::open_read_only_at(const File& directory, const std::string& name) {
  const int fd = open_at(directory.fd_, name.c_str());
  if (fd < 0) return base::fail(error_of_errno(errno, "open", name));
  return File(fd);
}

base::Result<File> File::create(const fs::path& path) {
  TRY_ASSIGN(const int fd, open_for_writing(path, O_TRUNC));
  return File(fd);
}

base::Result<File> File::open_read_write(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return base::fail(error_of_errno(errno, "open", path));
  return File(fd);
}

base::Result<File> File::create_new(const fs::path& path) {
  TRY_ASSIGN(const int fd, open_for_writing(path, O_EXCL));
  return File(fd);
}

base::Result<std::size_t> File::read_at(std::uint64_t offset, base::MutableByteView out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail(error_of_errno(errno, "read", name_of(fd_)));
    done += static_cast<std::size_t>(n);
  }
  return done;
}

base::Result<> File::write_at(std::uint64_t offset, base::ByteView bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail(error_of_errno(errno, "write", name_of(fd_)));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

base::Result<> File::truncate(std::uint64_t size_bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0) {
    return base::fail(error_of_errno(errno, "truncate", name_of(fd_)));
  }
  return {};
}

base::Result<> File::sync() {
  if (::fsync(fd_) != 0) return base::fail(error_of_errno(errno, "sync", name_of(fd_)));
  return {};
}

}  // namespace os
