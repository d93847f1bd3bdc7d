// Operations on names: everything that changes or lists a directory.
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/translate.h"

namespace os {

base::Result<> sync_directory(const fs::path& directory) {
  const fs::path subject = directory.empty() ? fs::path(".") : directory;
  File opened = File::adopt(::open(subject.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) return base::fail(error_of_errno(errno, "open directory", subject));
  return opened.sync();
}

base::Result<> rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return base::fail(error_of_errno(errno, "rename to", to));
  return {};
}

base::Result<> rename_no_replace(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return base::fail(error_of_errno(errno, "rename to", to));
  // This file system knows no such rename. A second name fails just as surely where the name is taken.
  if (::link(from.c_str(), to.c_str()) != 0) return base::fail(error_of_errno(errno, "link to", to));
  return remove_file(from);
}

base::Result<> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return base::fail(error_of_errno(errno, "remove", path));
  return {};
}

base::Result<> make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return base::fail(error_of_errno(error.value(), "make directory", path));
  return {};
}

base::Result<> set_modified_time(const fs::path& path, std::chrono::milliseconds unix_time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(unix_time);
  const std::chrono::nanoseconds rest = unix_time - seconds;
  const std::array<timespec, 2> times{timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                      timespec{.tv_sec = seconds.count(), .tv_nsec = rest.count()}};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return base::fail(error_of_errno(errno, "set time of", path));
  }
  return {};
}

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

bool is_directory_entry(DIR* directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat raw{};
  return ::fstatat(::dirfd(directory), entry.d_name, &raw, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(raw.st_mode);
}

}  // namespace

base::Result<std::vector<DirectoryEntry>> list_directory(const fs::path& directory) {
  const std::unique_ptr<DIR, CloseDirectory> opened(::opendir(directory.c_str()));
  if (!opened) return base::fail(error_of_errno(errno, "list", directory));
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;  // the only way in which readdir tells an error from the end
    const dirent* entry = ::readdir(opened.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::move(name), is_directory_entry(opened.get(), *entry)});
  }
  if (errno != 0) return base::fail(error_of_errno(errno, "list", directory));
  return entries;
}

}  // namespace os
