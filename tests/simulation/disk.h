// The simulated file system: one tree of names over inodes, descriptors, byte-range locks as Linux keeps them, and what
// a power cut leaves. Calls here take effect at once and never fail by plan: faults and time are World::step()'s, which
// the callers (os_files.cpp for the daemon, vfs.cpp for SQLite) make first.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "os/directory_watcher.h"
#include "world.h"

namespace simulation {

inline constexpr std::size_t kChunkBytes = std::size_t{32} << 10;  // also a region of a mapped wal-index
inline constexpr Nanos kClockTick = 4 * kMilli;                    // of file times, as a kernel with 250 Hz has it
inline constexpr Nanos kEpoch = 1'800'000'000LL * kSecond;         // wall clock at time 0

// `pid` -1: an open-file-description lock. `owner` tells apart descriptions and connections.
struct Lock {
  std::uint64_t owner = 0;
  std::int32_t pid = 0;
  std::uint64_t first = 0, end = 0;  // [first, end)
  bool exclusive = false;
};

class Inode {
 public:
  explicit Inode(std::uint64_t inode_number) : number(inode_number) {}
  ~Inode();
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  std::size_t read(std::uint64_t offset, base::MutableByteView out) const;
  void write(std::uint64_t offset, base::ByteView bytes);
  void truncate(std::uint64_t size);
  std::uint8_t* region(std::size_t index);  // mapped; extends nothing
  [[nodiscard]] base::Bytes bytes() const;

  const std::uint64_t number;
  std::uint64_t links = 1, size = 0;
  Nanos modified = 0, changed = 0, born = 0;  // wall clock
  std::vector<Lock> locks;
  std::uint32_t writers = 0;  // descriptors open for writing

  // What the device has: contents at the last sync, and what was written since.
  struct Unsynced {
    std::uint64_t offset;
    base::Bytes bytes;
    bool truncation;
  };
  bool durable = false;  // kept only where a power cut is planned
  base::Bytes synced;
  std::vector<Unsynced> unsynced;

 private:
  using Chunk = std::array<std::uint8_t, kChunkBytes>;
  static std::unique_ptr<Chunk> take_chunk();
  void need_chunks(std::size_t count);
  std::vector<std::unique_ptr<Chunk>> chunks_;
};
using InodePtr = std::shared_ptr<Inode>;

struct Description {
  Process* process = nullptr;
  InodePtr inode;
  std::string path;
  bool writable = false;
};

class Disk {
 public:
  explicit Disk(World& world) : world_(world) {}

  // Names. All paths are absolute; `create`: with O_CREAT, `exclusive`: with O_EXCL.
  struct OpenMode {
    bool write = false, create = false, exclusive = false, truncate = false;
  };
  int open(Process& process, const std::string& path, OpenMode mode);  // -errno
  [[nodiscard]] InodePtr find(std::string_view path) const;            // nullptr: no such file
  [[nodiscard]] bool is_directory(std::string_view path) const { return directories_.contains(path); }
  void make_directory(const std::string& path) { directories_.insert(path); }
  int unlink(const std::string& path);
  int rename(const std::string& from, const std::string& to);
  [[nodiscard]] std::vector<std::pair<std::string, bool>> list(const std::string& directory) const;
  void sync_names();

  // Descriptors; nullptr for one that is closed (also by the death of its process).
  [[nodiscard]] Description* at(int descriptor);
  void close(int descriptor);
  void write(Description& file, std::uint64_t offset, base::ByteView bytes);
  void truncate(Description& file, std::uint64_t size);
  void sync(Description& file);
  [[nodiscard]] std::size_t open_descriptors(const Process& process) const;

  // Locks. False: somebody else's is in the way; `by` says whose.
  static bool set_lock(Inode& inode, const Lock& wanted, std::vector<Lock>* by = nullptr);
  static void unlock(Inode& inode, std::uint64_t owner, std::uint64_t first, std::uint64_t end);
  static void unlock_process(Inode& inode, std::int32_t pid);  // its POSIX locks
  // The first lock that stands against an exclusive one, as the kernel names it.
  [[nodiscard]] static const Lock* conflict(const Inode& inode, std::uint64_t owner, std::int32_t but_pid,
                                            std::uint64_t first, std::uint64_t end);
  std::uint64_t new_owner() { return ++owners_; }
  // Of open-file-description locks: apart from those of connections, and gone with the descriptor.
  static std::uint64_t owner_of(int descriptor) {
    return (std::uint64_t{1} << 40) + static_cast<std::uint64_t>(descriptor);
  }
  // Locks that the process has below `prefix`, by description or by itself.
  [[nodiscard]] std::size_t locks_of(const Process& process, std::string_view prefix) const;

  void take_all_from(Process& process);  // at its death
  // Every wal-index that exists, with its bytes; and back, without anybody hearing of it.
  [[nodiscard]] std::vector<std::pair<InodePtr, base::Bytes>> indexes() const;
  static void restore(Inode& inode, const base::Bytes& bytes);
  // All processes are dead. Keeps what was synced and a drawn part of what was not.
  void power_cut();
  void plan_power_cuts() { durable_ = true; }

  // Who hears of changes of names and files; nullptr: nobody.
  std::function<void(os::EventKind, const std::string& directory, const std::string& name)> on_event;
  [[nodiscard]] Nanos stamp() const { return kEpoch + world_.now() / kClockTick * kClockTick; }
  [[nodiscard]] const std::map<std::string, InodePtr, std::less<>>& files() const { return names_; }

 private:
  void tell(os::EventKind kind, const std::string& path);
  void touch(Inode& inode);
  [[nodiscard]] const std::string& name_of(const Description& file) const;

  World& world_;
  std::map<std::string, InodePtr, std::less<>> names_;
  std::set<std::string, std::less<>> directories_{"/"};
  std::vector<std::unique_ptr<Description>> descriptions_;  // by descriptor; a number is not used again
  std::uint64_t inodes_ = 0, owners_ = 0;
  bool durable_ = false;
  std::map<std::string, InodePtr, std::less<>> synced_names_;
};

}  // namespace simulation
