// Watches directories for changes to their entries. One kernel watch per directory, however many files it holds.
//
// One thread belongs to the watcher: it reads events and opens files, nothing else, because a database can be created,
// written and closed within a millisecond and only descriptors opened in that time keep its log readable. It never
// closes a file and never looks into one (decision 0003).
//
// Every event carries its position in the event stream (bytes read so far, the event included). stream_mark() taken
// after an open tells which life of a name the descriptor belongs to: the one of the last `created` at or before the
// mark.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/closer.h"
#include "os/file.h"

namespace os {

using WatchId = std::int32_t;

enum class EventKind : std::uint8_t {
  modified,  // data written
  created,   // also by link
  deleted,
  moved_from,
  moved_to,
  closed_after_write,
  directory_gone,  // the watched directory itself was deleted, moved or unmounted; its WatchId is void
  overflow,        // events were lost, also `directory_gone`: everything may have changed. WatchId is -1
};

struct WatchEvent {
  WatchId watch = -1;
  EventKind kind = EventKind::modified;
  bool is_directory = false;
  std::string name;  // entry name inside the directory; empty for directory_gone and overflow
  std::uint64_t position = 0;
  std::uint32_t move_cookie = 0;  // pairs moved_from and moved_to
  // For `created` of a name that `companion_to_open` accepts: the file and, opened right after it, its companion.
  // Either may be missing: not there yet, or gone again.
  File opened;
  File opened_companion;
  // Stream marks taken before and after both opens. The descriptors belong to the last creation of the name at or
  // before the first mark; if one lies between the two, they may be of either life.
  std::uint64_t open_mark_before = 0;
  std::uint64_t open_mark = 0;
};

struct WatcherOptions {
  // Decides on the watcher's thread, for each created entry, whether to open it and which other name of the same
  // directory to open with it; the name itself: open it alone; empty: open nothing. Must be quick and must not block.
  // For SQLite the answers are "X.db-wal" -> "X.db-shm", and "X.db-shm" -> itself or "X.db-wal": the log is created
  // first, and the watcher is often there before the wal-index is.
  std::function<std::string(std::string_view created_name)> companion_to_open = {};
  // Closes the files of events that an overflow drops, so that a FileCloser::Hold covers them too. Outlives the
  // watcher. None: one of the watcher's own.
  FileCloser* closer = nullptr;
  // Events that wait for take(); past it, overflow.
  std::size_t queue_limit = std::size_t{1} << 18;
  // Called on the watcher's thread before each read. For tests that have to stop it; blocks as long as it likes.
  std::function<void()> before_read = {};
};

class DirectoryWatcher {
 public:
  virtual ~DirectoryWatcher() = default;

  // Starts to watch; events from now on are delivered. Watching the same directory twice gives the same id and makes
  // the later path count: after a move, add() under the new name keeps the watch and its `directory_gone` is not
  // delivered any more. Follows no symbolic link. Any thread. not_found, denied, io (the message names
  // fs.inotify.max_user_watches when that limit is the cause).
  virtual base::Result<WatchId> add(const fs::path& directory) = 0;
  // Events of it that are on their way may still be delivered: ignore ids that you do not know. An id is never reused.
  // Any thread.
  virtual void remove(WatchId watch) = 0;

  // Takes all events that are queued, in order; blocks up to `timeout` for the first. One consumer thread.
  virtual std::vector<WatchEvent> take(std::chrono::nanoseconds timeout) = 0;
  // Makes a blocked take() return at once. Any thread.
  virtual void wake() = 0;

  // Every event at or before this position was returned by a take() or was of no interest (the stream also carries
  // records that are not delivered, so the last event's position may stay behind a mark for ever). Compare marks with
  // this.
  virtual std::uint64_t taken_position() = 0;

  // Position up to which the kernel's queue reaches now: events at or before it happened before this call. Any thread.
  virtual std::uint64_t stream_mark() = 0;
};

// inotify. Keeps no descriptor per directory, so it never keeps a volume from being unmounted. Created files are opened
// by the path given to add(), if that still leads to the same directory: after a directory above was renamed, add() all
// below again. io if the machine's limit of inotify instances is reached.
base::Result<std::unique_ptr<DirectoryWatcher>> make_directory_watcher(WatcherOptions options);

}  // namespace os
