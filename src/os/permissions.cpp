#include "os/permissions.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/translate.h"

namespace os {

namespace {
constexpr mode_t kPermissionBits = 0777;
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

base::Result<File> make_and_open(const File& parent, const fs::path& directory) {
  const std::string name = directory.filename().string();
  const bool made = ::mkdirat(parent.descriptor(), name.c_str(), kPermissionBits) == 0;
  if (!made && errno != EEXIST) return base::fail(error_of_errno(errno, "make directory", directory));
  File opened = File::adopt(::openat(parent.descriptor(), name.c_str(), kDirectory));
  if (!opened.is_open()) return base::fail(error_of_errno(errno, "open directory", directory));
  if (!made || ::geteuid() != 0) return opened;
  struct stat above{};
  if (::fstat(parent.descriptor(), &above) != 0) return base::fail(error_of_errno(errno, "stat", directory));
  if (::fchownat(opened.descriptor(), "", above.st_uid, above.st_gid, AT_EMPTY_PATH) != 0) {
    return base::fail(error_of_errno(errno, "give to the owner of the directory above it", directory));
  }
  return opened;
}

base::Result<File> open_or_make(const fs::path& directory) {
  File there = File::adopt(::open(directory.c_str(), kDirectory));
  if (there.is_open()) return there;
  const int why = errno;
  const fs::path above = directory.parent_path();
  if (why != ENOENT || above.empty() || above == directory) {
    return base::fail(error_of_errno(why, "open directory", directory));
  }
  TRY_ASSIGN(const File parent, open_or_make(above));
  return make_and_open(parent, directory);
}
}  // namespace

base::Result<File> create_new_for_everybody(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return base::fail(error_of_errno(errno, "create", path));
  return File::adopt(fd);
}

base::Result<OwnerTaken> take_permissions(const File& file, const fs::path& model) {
  struct stat wanted{};
  struct stat now{};
  if (::lstat(model.c_str(), &wanted) != 0) return base::fail(error_of_errno(errno, "stat", model));
  if (::fstat(file.descriptor(), &now) != 0) return base::fail(error_of_errno(errno, "stat", model));
  OwnerTaken taken = OwnerTaken::yes;
  // The owner first: a change of owner may take bits away.
  if (now.st_gid != wanted.st_gid && ::fchown(file.descriptor(), static_cast<uid_t>(-1), wanted.st_gid) != 0) {
    taken = OwnerTaken::no;
  }
  if (now.st_uid != wanted.st_uid && ::fchown(file.descriptor(), wanted.st_uid, static_cast<gid_t>(-1)) != 0) {
    taken = OwnerTaken::no;
  }
  if (::fchmod(file.descriptor(), wanted.st_mode & kPermissionBits) != 0) {
    return base::fail(error_of_errno(errno, "set the mode of the file to replace", model));
  }
  return taken;
}

base::Result<> take_owner_as_root(const File& file, const fs::path& model) {
  if (::geteuid() != 0) return {};
  struct stat wanted{};
  if (::stat(model.c_str(), &wanted) != 0) return base::fail(error_of_errno(errno, "stat", model));
  if (::fchown(file.descriptor(), wanted.st_uid, wanted.st_gid) != 0) {
    return base::fail(error_of_errno(errno, "give a file to the owner of", model));
  }
  return {};
}

base::Result<> make_directories_as_above(const fs::path& directory) {
  TRY(open_or_make(directory));
  return {};
}

}  // namespace os
