// Closes files on a thread of its own. Two reasons (decisions 0002 and 0003): the last close of an unlinked file waits
// for the file system's journal, up to 16 ms, which the watcher's thread and a worker cannot afford; and a close of a
// database's or a wal-index's descriptor drops every POSIX lock that this process holds on that inode, so it has to
// wait while one of our SQLite connections is open there.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "os/file.h"

namespace os {

// Which file, whatever its name.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};
inline FileId id_of(const FileStat& stat) {
  return {stat.device, stat.inode};
}

class FileCloser {
 public:
  FileCloser();
  ~FileCloser();  // closes everything; CHECK: no Hold is left
  FileCloser(const FileCloser&) = delete;
  FileCloser& operator=(const FileCloser&) = delete;

  // Takes the file over. Any thread; returns at once unless kMaxWaiting files wait, then when there is room.
  void close_later(File file);

  // While a Hold exists, no file is closed here; after narrow() only the named files are not. Take it before one of our
  // SQLite connections opens a tenant's database, narrow it to the database and the wal-index once both are known, and
  // keep it until that connection is closed. Must not outlive the closer.
  class Hold {
   public:
    ~Hold();
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&&) = delete;
    void narrow(std::vector<FileId> keep_open);

   private:
    friend class FileCloser;
    Hold(FileCloser* closer, std::uint64_t id) : closer_(closer), id_(id) {}
    FileCloser* closer_;
    std::uint64_t id_;
  };
  // Returns when no close is running any more: up to some 16 ms.
  [[nodiscard]] Hold hold();

  // Returns when every file handed over before and not under a Hold is closed.
  void flush();

  static constexpr std::size_t kMaxWaiting = 65536;

 private:
  struct ActiveHold {
    std::uint64_t id = 0;
    std::optional<std::vector<FileId>> files;  // nullopt: all
  };

  void run();
  [[nodiscard]] bool may_close_something() const;
  [[nodiscard]] bool is_held(const File& file) const;
  void park_or_close_front(std::unique_lock<std::mutex>& lock);
  void change_hold(std::uint64_t id, std::optional<std::vector<FileId>> files);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<File> waiting_;
  std::vector<File> parked_;  // looked at and found under a narrowed hold
  std::vector<ActiveHold> holds_;
  std::uint64_t last_hold_id_ = 0;
  bool closing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace os
