// A disk that fails or hangs when a log is synced. Preloaded into an application (LD_PRELOAD); the file that
// LM_SYNC_CONTROL names decides, each time: absent = as usual; a regular file = EIO; a FIFO = wait until somebody opens
// it for writing, then as usual. Only logs (-wal) are concerned.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

bool is_log(int fd) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 && std::string_view(path.data(), static_cast<std::size_t>(size)).ends_with("-wal");
}

// False: the sync is to fail.
bool let_through() {
  const char* control = std::getenv("LM_SYNC_CONTROL");
  struct stat what{};
  if (control == nullptr || ::stat(control, &what) != 0) return true;
  if (!S_ISFIFO(what.st_mode)) return false;
  const int fifo = ::open(control, O_RDONLY | O_CLOEXEC);
  if (fifo >= 0) ::close(fifo);
  return true;
}

int sync_by(const char* name, int fd) {
  if (is_log(fd) && !let_through()) {
    errno = EIO;
    return -1;
  }
  using Sync = int (*)(int);
  return reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name))(fd);
}

}  // namespace

extern "C" {
int fdatasync(int fd) {
  return sync_by("fdatasync", fd);
}
int fsync(int fd) {
  return sync_by("fsync", fd);
}
}
