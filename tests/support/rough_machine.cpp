// A machine that misbehaves. Preloaded into the daemon (LD_PRELOAD); what goes wrong is read, at each call, from the
// file that LM_ROUGH_CONTROL names (harness/machine.py writes it), as it stands:
//
//   | offset | bytes | field |
//   | 0      | 8     | faults, a sum of `Fault` |
//   | 8      | 8     | permille of the calls concerned that fail |
//   | 16     | 8     | number of steps of the wall clock |
//   | 24     | 16    | each: kernel's time from which on it counts (ns), what is added to it (ns, signed) |
//
// Faults concern files below LM_ROUGH_CLIENTS, LM_ROUGH_STATE and LM_ROUGH_BUCKET. Stepping the clock also moves the
// stamps of clients' files that were made since, as on a machine whose clock is set.
//
// Where LM_ROUGH_JUDGE names a local socket, each backup file that has come into the bucket or gone from it is told
// there ("+path\n", "-path\n"), and no other change is let through until one byte comes back: the bucket stays as it is
// for as long as somebody looks at it.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

enum Fault : std::uint64_t {
  read_clients = 1,   // EIO
  open_clients = 2,   // EMFILE
  write_state = 4,    // ENOSPC
  sync_state = 8,     // EIO
  read_state = 16,    // EIO
  write_bucket = 32,  // ENOSPC
  sync_bucket = 64,   // EIO
  sync_folders = 128  // EIO, of the bucket's folders, not its files
};

struct Step {
  std::int64_t from_ns, added_ns;
};
constexpr std::size_t kSteps = 200;
struct Control {
  std::atomic<std::uint64_t> faults, permille, step_count;
  std::array<Step, kSteps> steps;
};

const Control* control() {
  static const Control* const mapped = []() -> const Control* {
    const char* path = std::getenv("LM_ROUGH_CONTROL");
    // Not by open(): that is ours.
    const auto fd =
        static_cast<int>(path == nullptr ? -1 : ::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    if (fd < 0) return nullptr;
    void* at = ::mmap(nullptr, sizeof(Control), PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<const Control*>(at);
  }();
  return mapped;
}

bool below(std::string_view path, const char* folder) {
  const char* root = std::getenv(folder);
  return root != nullptr && path.starts_with(root) && path.substr(std::string_view(root).size()).starts_with('/');
}

std::string path_of(int fd) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

bool drawn(std::uint64_t permille) {
  thread_local std::minstd_rand dice{std::random_device{}()};
  return dice() % 1000 < permille;
}

bool fails(const std::string& path, std::uint64_t clients, std::uint64_t state, std::uint64_t bucket) {
  const std::uint64_t faults = control()->faults;
  const bool concerned = ((faults & clients) != 0 && below(path, "LM_ROUGH_CLIENTS")) ||
                         ((faults & state) != 0 && below(path, "LM_ROUGH_STATE")) ||
                         ((faults & bucket) != 0 && below(path, "LM_ROUGH_BUCKET"));
  return concerned && drawn(control()->permille);
}

bool fd_fails(int fd, std::uint64_t clients, std::uint64_t state, std::uint64_t bucket) {
  if (control() == nullptr || (control()->faults & (clients | state | bucket)) == 0) return false;
  const int kept = errno;
  const bool failing = fails(path_of(fd), clients, state, bucket);
  errno = kept;
  return failing;
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

template <typename Result, typename... Arguments>
Result by(const char* name, Arguments... arguments) {
  return real<Result (*)(Arguments...)>(name)(arguments...);
}

template <typename... Arguments>
ssize_t read_by(const char* name, int fd, Arguments... arguments) {
  if (fd_fails(fd, read_clients, read_state, 0)) return errno = EIO, -1;
  return by<ssize_t>(name, fd, arguments...);
}

template <typename... Arguments>
ssize_t write_by(const char* name, int fd, Arguments... arguments) {
  if (fd_fails(fd, 0, write_state, write_bucket)) return errno = ENOSPC, -1;
  return by<ssize_t>(name, fd, arguments...);
}

bool is_folder(int fd) {
  struct stat what{};
  return ::fstat(fd, &what) == 0 && S_ISDIR(what.st_mode);
}

int sync_by(const char* name, int fd) {
  if (fd_fails(fd, 0, 0, sync_folders) && is_folder(fd)) return errno = EIO, -1;
  if (fd_fails(fd, 0, sync_state, sync_bucket)) return errno = EIO, -1;
  return by<int>(name, fd);
}

bool open_fails(int directory, const char* path) {
  if (control() == nullptr || (control()->faults & open_clients) == 0) return false;
  const bool relative = path[0] != '/' && directory != AT_FDCWD;
  return fails(relative ? path_of(directory) + "/" + path : path, open_clients, 0, 0);
}

std::int64_t added_at(std::int64_t kernel_ns) {
  if (control() == nullptr) return 0;
  std::int64_t added = 0;
  for (std::size_t i = 0; i < control()->step_count && i < kSteps; ++i) {
    if (control()->steps[i].from_ns <= kernel_ns) added = control()->steps[i].added_ns;
  }
  return added;
}

int connect_to_judge() {
  const char* path = std::getenv("LM_ROUGH_JUDGE");
  struct sockaddr_un address{};
  if (path == nullptr || std::string_view(path).size() >= sizeof address.sun_path) return -1;
  address.sun_family = AF_UNIX;
  std::string_view(path).copy(&address.sun_path[0], sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

// A call that may change the bucket, and the judge's look at what it did: one at a time.
int judged(const std::function<int()>& call, char change, const char* path) {
  static std::mutex one_at_a_time;
  const bool concerned = std::getenv("LM_ROUGH_JUDGE") != nullptr && below(path, "LM_ROUGH_BUCKET") &&
                         std::string_view(path).ends_with(".ltx");
  if (!concerned) return call();
  const std::scoped_lock lock(one_at_a_time);
  if (const int code = call(); code != 0) return code;
  static const int judge = connect_to_judge();
  const std::string line = change + std::string(path) + "\n";
  char answer = 0;
  if (::send(judge, line.data(), line.size(), MSG_NOSIGNAL) > 0) ::recv(judge, &answer, 1, 0);
  return 0;
}

constexpr std::int64_t kSecond = 1'000'000'000;

template <typename Time>
void move(Time& seconds_field, auto& nanos_field) {
  const std::int64_t kernel = std::int64_t{seconds_field} * kSecond + std::int64_t{nanos_field};
  const std::int64_t shown = kernel + added_at(kernel);
  seconds_field = shown / kSecond;
  nanos_field = static_cast<std::remove_reference_t<decltype(nanos_field)>>(shown % kSecond);
}

int mode_of(int flags, va_list& more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
}

}  // namespace

extern "C" {
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int mode = mode_of(flags, more);
  va_end(more);
  if (open_fails(AT_FDCWD, path)) return errno = EMFILE, -1;
  return real<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int mode = mode_of(flags, more);
  va_end(more);
  if (open_fails(AT_FDCWD, path)) return errno = EMFILE, -1;
  return real<int (*)(const char*, int, ...)>("open64")(path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int mode = mode_of(flags, more);
  va_end(more);
  if (open_fails(directory, path)) return errno = EMFILE, -1;
  return real<int (*)(int, const char*, int, ...)>("openat")(directory, path, flags, mode);
}
ssize_t read(int fd, void* data, std::size_t size) {
  return read_by("read", fd, data, size);
}
ssize_t pread(int fd, void* data, std::size_t size, off_t at) {
  return read_by("pread", fd, data, size, at);
}
ssize_t pread64(int fd, void* data, std::size_t size, off64_t at) {
  return read_by("pread64", fd, data, size, at);
}
ssize_t write(int fd, const void* data, std::size_t size) {
  return write_by("write", fd, data, size);
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t at) {
  return write_by("pwrite", fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t at) {
  return write_by("pwrite64", fd, data, size, at);
}
int rename(const char* from, const char* to) noexcept {
  return judged([&] { return by<int>("rename", from, to); }, '+', to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return judged([&] { return by<int>("renameat2", from_folder, from, to_folder, to, flags); }, '+', to);
}
int link(const char* from, const char* to) noexcept {
  return judged([&] { return by<int>("link", from, to); }, '+', to);
}
int unlink(const char* path) noexcept {
  return judged([&] { return by<int>("unlink", path); }, '-', path);
}
int fsync(int fd) {
  return sync_by("fsync", fd);
}
int fdatasync(int fd) {
  return sync_by("fdatasync", fd);
}
int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const int code = by<int>("clock_gettime", clock, time);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(time->tv_sec, time->tv_nsec);
  return code;
}
int gettimeofday(struct timeval* time, void* zone) noexcept {
  const int code = by<int>("gettimeofday", time, zone);
  if (code == 0) time->tv_sec += added_at(std::int64_t{time->tv_sec} * kSecond) / kSecond;
  return code;
}
time_t time(time_t* out) noexcept {
  struct timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
int statx(int fd, const char* path, int flags, unsigned mask, struct statx* out) noexcept {
  const int code = by<int>("statx", fd, path, flags, mask, out);
  if (code != 0 || control() == nullptr || control()->step_count == 0) return code;
  if (!below(path[0] == '\0' ? path_of(fd) : std::string(path), "LM_ROUGH_CLIENTS")) return code;
  for (auto* stamp : {&out->stx_mtime, &out->stx_ctime, &out->stx_btime}) move(stamp->tv_sec, stamp->tv_nsec);
  return code;
}
}
