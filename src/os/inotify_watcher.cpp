// What callers of the watcher run. The thread's part is in inotify_drain.cpp.
#include "os/inotify_watcher.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/translate.h"

namespace os {

namespace {

// No IN_EXCL_UNLINK: it would hide the last writes to files that are already unlinked.
constexpr std::uint32_t kMask = IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

int add_kernel_watch(int inotify, const File& handle, const fs::path& directory) {
  // Through the open directory, so that watch and id belong to one directory even if the name changes hands meanwhile.
  const std::string link = "/proc/self/fd/" + std::to_string(handle.descriptor());
  const int watch = ::inotify_add_watch(inotify, link.c_str(), kMask);
  if (watch >= 0 || errno != ENOENT) return watch;
  return ::inotify_add_watch(inotify, directory.c_str(), kMask | IN_DONT_FOLLOW);  // no /proc here
}

base::Error watch_error(int number, const fs::path& directory) {
  base::Error error = error_of_errno(number, "watch", directory);
  if (number == ENOSPC) error.message += " (raise fs.inotify.max_user_watches)";
  return error;
}

}  // namespace

InotifyWatcher::InotifyWatcher(File inotify, File stop, WatcherOptions options)
    : options_(std::move(options)),
      own_closer_(options_.closer == nullptr ? std::make_unique<FileCloser>() : nullptr),
      closer_(options_.closer == nullptr ? *own_closer_ : *options_.closer),
      inotify_(std::move(inotify)),
      stop_(std::move(stop)),
      queue_(options_.queue_limit, closer_),
      thread_([this] { drain(); }) {}

InotifyWatcher::~InotifyWatcher() {
  const std::uint64_t one = 1;
  while (::write(stop_.descriptor(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
}

base::Result<WatchId> InotifyWatcher::add(const fs::path& directory) {
  const File handle = File::adopt(::open(directory.c_str(), kOpenDirectory));
  if (!handle.is_open()) return base::fail(error_of_errno(errno, "watch", directory));
  TRY_ASSIGN(const FileStat stat, handle.stat());
  // The lock spans both steps: the thread looks an event's directory up only after it is entered.
  const std::scoped_lock lock(directories_mutex_);
  const int watch = add_kernel_watch(inotify_.descriptor(), handle, directory);
  if (watch < 0) return base::fail(watch_error(errno, directory));
  directories_[watch] = {.path = directory, .id = id_of(stat), .added_at = stream_mark()};
  return watch;
}

void InotifyWatcher::remove(WatchId watch) {
  const std::scoped_lock lock(directories_mutex_);
  if (directories_.erase(watch) > 0) ::inotify_rm_watch(inotify_.descriptor(), watch);
}

std::uint64_t InotifyWatcher::stream_mark() {
  const std::scoped_lock lock(stream_mutex_);
  int unread = 0;
  ::ioctl(inotify_.descriptor(), FIONREAD, &unread);
  return bytes_read_ + static_cast<std::uint64_t>(unread);
}

base::Result<std::unique_ptr<DirectoryWatcher>> make_directory_watcher(WatcherOptions options) {
  File inotify = File::adopt(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.is_open()) {
    base::Error error = error_of_errno(errno, "start", "inotify");
    error.message += " (see also fs.inotify.max_user_instances)";
    return base::fail(std::move(error));
  }
  File stop = File::adopt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.is_open()) return base::fail(error_of_errno(errno, "start", "inotify"));
  return std::make_unique<InotifyWatcher>(std::move(inotify), std::move(stop), std::move(options));
}

}  // namespace os
