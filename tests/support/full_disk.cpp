// A disk that is full for one folder. Preloaded into a program (LD_PRELOAD): while the file that LM_FULL_DISK_CONTROL
// names exists, every write to a file below LM_FULL_DISK_FOLDER fails with ENOSPC.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

bool is_full(int fd) {
  const char* control = std::getenv("LM_FULL_DISK_CONTROL");
  const char* folder = std::getenv("LM_FULL_DISK_FOLDER");
  if (control == nullptr || folder == nullptr || ::access(control, F_OK) != 0) return false;
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 && std::string_view(path.data(), static_cast<std::size_t>(size)).starts_with(folder);
}

template <typename Function, typename... Arguments>
ssize_t write_by(const char* name, int fd, Arguments... arguments) {
  if (is_full(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name))(fd, arguments...);
}

}  // namespace

extern "C" {
ssize_t write(int fd, const void* data, std::size_t size) {
  return write_by<ssize_t (*)(int, const void*, std::size_t)>("write", fd, data, size);
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t at) {
  return write_by<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite", fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t at) {
  return write_by<ssize_t (*)(int, const void*, std::size_t, off64_t)>("pwrite64", fd, data, size, at);
}
}
