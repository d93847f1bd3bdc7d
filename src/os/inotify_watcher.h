// The watcher on Linux: one inotify instance, one thread. Included only by its own .cpp files.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>

#include <fcntl.h>

#include "os/directory_watcher.h"
#include "os/event_queue.h"

namespace os {

// Names a directory without permission to read it.
inline constexpr int kOpenDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

class InotifyWatcher final : public DirectoryWatcher {
 public:
  InotifyWatcher(File inotify, File stop, WatcherOptions options);
  ~InotifyWatcher() override;
  InotifyWatcher(const InotifyWatcher&) = delete;
  InotifyWatcher& operator=(const InotifyWatcher&) = delete;

  base::Result<WatchId> add(const fs::path& directory) override;
  void remove(WatchId watch) override;
  std::vector<WatchEvent> take(std::chrono::nanoseconds timeout) override { return queue_.take(timeout); }
  void wake() override { queue_.wake(); }
  std::uint64_t taken_position() override { return queue_.taken_position(); }
  std::uint64_t stream_mark() override;

 private:
  struct Directory {
    fs::path path;
    FileId id;                   // what `path` has to lead to, or it is not the watched directory any more
    std::uint64_t added_at = 0;  // stream mark of the last add()
  };
  struct RawEvent {  // inotify_event, taken apart
    WatchId watch = -1;
    std::uint32_t mask = 0;
    std::uint32_t cookie = 0;
    std::string_view name;
  };
  struct Chunk {
    std::uint64_t start = 0;  // position of its first byte
    std::size_t size = 0;
  };

  // On the watcher's thread.
  void drain();
  [[nodiscard]] bool wait_readable() const;
  Chunk read_chunk(std::span<char> buffer);
  void handle_chunk(const char* buffer, const Chunk& chunk);
  std::optional<WatchEvent> translate(const RawEvent& raw, std::uint64_t position);
  void open_created(WatchEvent& event);
  std::optional<Directory> find_directory(WatchId watch);
  bool forget_gone_directory(WatchId watch, std::uint32_t mask, std::uint64_t position);

  WatcherOptions options_;
  std::unique_ptr<FileCloser> own_closer_;  // if the options bring none
  FileCloser& closer_;
  File inotify_;
  File stop_;

  std::mutex stream_mutex_;  // covers read() and the count together, so that a mark never falls between them
  std::uint64_t bytes_read_ = 0;

  std::mutex directories_mutex_;
  std::unordered_map<WatchId, Directory> directories_;

  EventQueue queue_;
  std::thread thread_;  // last: it starts when everything else is ready
};

}  // namespace os
