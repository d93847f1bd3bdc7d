#include "os/file_lock.h"

#include <cerrno>
#include <csignal>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/translate.h"

namespace os {

namespace {

struct flock range(short type, std::uint64_t first, std::uint64_t count) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(first);
  lock.l_len = static_cast<off_t>(count);
  return lock;
}

// F_OFD_GETLK overlooks locks of this very file description, F_GETLK overlooks POSIX locks of this process.
base::Result<std::optional<LockHolder>> ask(int command, const File& file, std::uint64_t first, std::uint64_t count) {
  struct flock lock = range(F_WRLCK, first, count);
  if (::fcntl(file.descriptor(), command, &lock) != 0) {
    return base::fail(error_of_errno(errno, "ask for locks on", "descriptor " + std::to_string(file.descriptor())));
  }
  if (lock.l_type == F_UNLCK) return std::nullopt;
  return LockHolder{.pid = lock.l_pid, .exclusive = lock.l_type == F_WRLCK};
}

// The default action of SIGIO ends the process, and the kernel sends it to the holder of a lease that somebody breaks.
void ignore_lease_signal() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction current{};
    if (::sigaction(SIGIO, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) std::signal(SIGIO, SIG_IGN);
  });
}

}  // namespace

base::Result<std::optional<LockHolder>> lock_holder(const File& file, std::uint64_t first, std::uint64_t count) {
  return ask(F_OFD_GETLK, file, first, count);
}

bool foreign_process_lock(const File& file, std::uint64_t first, std::uint64_t count) {
  const std::int32_t own_pid = ::getpid();
  // The kernel names one holder only. If that is one of ours, the other question leaves it out and may name a stranger.
  for (const int command : {F_OFD_GETLK, F_GETLK}) {
    const auto holder = ask(command, file, first, count);
    if (!holder || !*holder) return false;
    if ((*holder)->pid != -1 && (*holder)->pid != own_pid) return true;
  }
  return false;
}

SharedLock::~SharedLock() {
  release();
}

SharedLock::SharedLock(SharedLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), first_(other.first_), count_(other.count_) {}

SharedLock& SharedLock::operator=(SharedLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    first_ = other.first_;
    count_ = other.count_;
  }
  return *this;
}

base::Result<std::optional<SharedLock>> SharedLock::try_lock(const File& file, std::uint64_t first,
                                                             std::uint64_t count) {
  struct flock lock = range(F_RDLCK, first, count);
  if (::fcntl(file.descriptor(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return std::nullopt;
    return base::fail(error_of_errno(errno, "lock", "descriptor " + std::to_string(file.descriptor())));
  }
  SharedLock held;
  held.fd_ = file.descriptor();
  held.first_ = first;
  held.count_ = count;
  return held;
}

void SharedLock::release() {
  if (fd_ < 0) return;
  struct flock lock = range(F_UNLCK, first_, count_);
  ::fcntl(fd_, F_OFD_SETLK, &lock);
  fd_ = -1;
}

base::Result<bool> lock_description(const File& file) {
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return base::fail(error_of_errno(errno, "lock", "descriptor"));
}

base::Result<ExclusiveFileLock> ExclusiveFileLock::acquire(const fs::path& path) {
  File file = File::adopt(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return base::fail(error_of_errno(errno, "open lock file", path));
  struct flock lock = range(F_WRLCK, 0, 0);
  if (::fcntl(file.descriptor(), F_OFD_SETLK, &lock) == 0) return ExclusiveFileLock(std::move(file));
  if (errno == EAGAIN || errno == EACCES) {
    return base::fail(base::Category::conflict, "another process holds the lock file " + path.string());
  }
  return base::fail(error_of_errno(errno, "lock", path));
}

bool read_leases_granted(const File& file) {
  ignore_lease_signal();
  if (::fcntl(file.descriptor(), F_SETLEASE, F_RDLCK) != 0) return false;
  ::fcntl(file.descriptor(), F_SETLEASE, F_UNLCK);
  return true;
}

}  // namespace os
