// Files seen through descriptors. The only module that calls the operating system for files.
//
// Rule for tenants' files (X.db, X.db-wal, X.db-shm): only ever open_read_only(). A close() of a descriptor of X.db or
// X.db-shm drops every POSIX lock that this process holds on that inode, so none of our SQLite connections may be open
// on it at that moment (decision 0002).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace os {

namespace fs = std::filesystem;

// What stat knows and continuity proofs need. Times in nanoseconds since the Unix epoch.
struct FileStat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::int64_t born_ns = 0;  // 0 where the file system does not tell
  std::uint32_t owner_uid = 0;
  bool is_directory = false;
  bool is_regular = false;
  friend bool operator==(const FileStat&, const FileStat&) = default;
};

// Move-only owner of one descriptor; close-on-exec always.
class File {
 public:
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  // O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME where permitted. not_found, denied, io. Never waits for a FIFO's
  // writer; whether it is a regular file is for the caller to ask (stat).
  static base::Result<File> open_read_only(const fs::path& path);
  // The same for an entry of an open directory, wherever that directory has been moved to meanwhile.
  static base::Result<File> open_read_only_at(const File& directory, const std::string& name);
  // Takes over a descriptor that another call of the operating system made; -1 gives a file that is not open.
  static File adopt(int descriptor) { return File(descriptor); }
  // Creates or truncates, 0600.
  static base::Result<File> create(const fs::path& path);
  // An existing file of ours. not_found, denied, io.
  static base::Result<File> open_read_write(const fs::path& path);
  // Creates, fails with conflict if it exists.
  static base::Result<File> create_new(const fs::path& path);

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int descriptor() const { return fd_; }
  // Bytes read, fewer only at the end of the file. Never moves a file position; any thread.
  base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) const;
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes);
  base::Result<> truncate(std::uint64_t size_bytes);
  base::Result<> sync();
  [[nodiscard]] base::Result<FileStat> stat() const;
  void close();

 private:
  explicit File(int fd) : fd_(fd) {}
  int fd_ = -1;
};

base::Result<FileStat> stat_path(const fs::path& path);  // follows no symbolic link; not_found if absent
base::Result<> sync_directory(const fs::path& directory);
base::Result<> rename_file(const fs::path& from, const fs::path& to);
// Publishes `from` as `to` only if `to` does not exist (link + unlink, or renameat2): conflict otherwise.
base::Result<> rename_no_replace(const fs::path& from, const fs::path& to);
base::Result<> remove_file(const fs::path& path);  // absent is success
base::Result<> make_directories(const fs::path& path);
base::Result<> set_modified_time(const fs::path& path, std::chrono::milliseconds unix_time);

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};
base::Result<std::vector<DirectoryEntry>> list_directory(const fs::path& directory);

// Overlay, network and FUSE mounts: locks of other processes may be invisible there.
enum class FileSystemKind { local, stacked, network };
base::Result<FileSystemKind> file_system_kind(const fs::path& path);

// The kernel's time stamp granularity: a file whose times are older than this at the moment of a stat cannot have been
// written after the stat without its times moving.
inline constexpr std::chrono::milliseconds kTimestampGranularity{20};

std::uint32_t effective_uid();
// A regular file of this process's user, under one name.
bool is_ours_alone(const FileStat& stat);
std::string boot_id();             // changes with every boot; empty where unknown
std::uint64_t descriptor_limit();  // raises the soft limit to the hard one first

}  // namespace os
