// The watcher's own thread: reads events, opens what was just created, hands both over. Nothing here looks into a file
// or closes one (decision 0003).
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/check.h"
#include "os/inotify_watcher.h"

namespace os {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
// Hand over in between when a long chunk makes us open many files, so that the first ones do not wait for the last.
constexpr std::size_t kBatchEvents = 64;
constexpr std::uint32_t kDirectoryGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;

std::optional<EventKind> kind_of(std::uint32_t mask) {
  if ((mask & IN_Q_OVERFLOW) != 0) return EventKind::overflow;
  if ((mask & kDirectoryGone) != 0) return EventKind::directory_gone;
  if ((mask & IN_MODIFY) != 0) return EventKind::modified;
  if ((mask & IN_CREATE) != 0) return EventKind::created;
  if ((mask & IN_DELETE) != 0) return EventKind::deleted;
  if ((mask & IN_MOVED_FROM) != 0) return EventKind::moved_from;
  if ((mask & IN_MOVED_TO) != 0) return EventKind::moved_to;
  if ((mask & IN_CLOSE_WRITE) != 0) return EventKind::closed_after_write;
  return std::nullopt;  // IN_IGNORED
}

File opened_or_none(base::Result<File> opened) {
  return opened ? std::move(*opened) : File();
}

}  // namespace

void InotifyWatcher::drain() {
  ::pthread_setname_np(::pthread_self(), "watcher");
  std::array<char, kBufferBytes> buffer;
  while (wait_readable()) {
    if (options_.before_read) options_.before_read();
    const Chunk chunk = read_chunk(buffer);
    handle_chunk(buffer.data(), chunk);
  }
}

bool InotifyWatcher::wait_readable() const {
  for (;;) {
    std::array<pollfd, 2> ready{pollfd{inotify_.descriptor(), POLLIN, 0}, pollfd{stop_.descriptor(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;  // EINTR
    if (ready[1].revents != 0) return false;
    if (ready[0].revents != 0) return true;
  }
}

InotifyWatcher::Chunk InotifyWatcher::read_chunk(std::span<char> buffer) {
  const std::scoped_lock lock(stream_mutex_);
  const std::uint64_t start = bytes_read_;
  const ssize_t n = ::read(inotify_.descriptor(), buffer.data(), buffer.size());
  if (n <= 0) return {start, 0};
  bytes_read_ += static_cast<std::uint64_t>(n);
  return {start, static_cast<std::size_t>(n)};
}

void InotifyWatcher::handle_chunk(const char* buffer, const Chunk& chunk) {
  std::vector<WatchEvent> batch;
  std::size_t offset = 0;
  while (offset < chunk.size) {
    inotify_event raw;
    std::memcpy(&raw, buffer + offset, sizeof raw);
    const char* padded_name = buffer + offset + sizeof raw;
    offset += sizeof raw + raw.len;
    CHECK(offset <= chunk.size);
    const std::string_view name(padded_name, ::strnlen(padded_name, raw.len));
    const std::uint64_t position = chunk.start + offset;
    auto event = translate({.watch = raw.wd, .mask = raw.mask, .cookie = raw.cookie, .name = name}, position);
    if (event) batch.push_back(std::move(*event));
    if (batch.size() >= kBatchEvents) queue_.push(batch, position);
  }
  queue_.push(batch, chunk.start + chunk.size);
}

std::optional<WatchEvent> InotifyWatcher::translate(const RawEvent& raw, std::uint64_t position) {
  const std::optional<EventKind> kind = kind_of(raw.mask);
  if ((raw.mask & (kDirectoryGone | IN_IGNORED)) != 0 && !forget_gone_directory(raw.watch, raw.mask, position)) {
    return std::nullopt;
  }
  if (!kind) return std::nullopt;
  WatchEvent event;
  event.watch = *kind == EventKind::overflow ? -1 : raw.watch;
  event.kind = *kind;
  event.is_directory = (raw.mask & IN_ISDIR) != 0;
  event.name = raw.name;
  event.position = position;
  event.move_cookie = raw.cookie;
  if (event.kind == EventKind::created && !event.is_directory) open_created(event);
  return event;
}

// Whether the caller should hear of it: not if it has added the directory again since, under its new name.
bool InotifyWatcher::forget_gone_directory(WatchId watch, std::uint32_t mask, std::uint64_t position) {
  const std::scoped_lock lock(directories_mutex_);
  const auto found = directories_.find(watch);
  if (found == directories_.end()) return false;
  if ((mask & IN_MOVE_SELF) != 0) {
    if (position <= found->second.added_at) return false;
    ::inotify_rm_watch(inotify_.descriptor(), watch);  // a moved directory stays watched otherwise
  }
  directories_.erase(found);
  return true;
}

std::optional<InotifyWatcher::Directory> InotifyWatcher::find_directory(WatchId watch) {
  const std::scoped_lock lock(directories_mutex_);
  const auto found = directories_.find(watch);
  if (found == directories_.end()) return std::nullopt;
  return found->second;
}

// No descriptor of the directory is kept between events: it would keep a volume from being unmounted and hold back the
// notice that the directory was deleted. Opening it anew costs some microseconds and shows whether the path still leads
// to the directory that the event is about.
void InotifyWatcher::open_created(WatchEvent& event) {
  if (!options_.companion_to_open) return;
  const std::string companion = options_.companion_to_open(event.name);
  if (companion.empty()) return;
  const std::optional<Directory> directory = find_directory(event.watch);
  if (!directory) return;
  event.open_mark_before = stream_mark();
  File handle = File::adopt(::open(directory->path.c_str(), kOpenDirectory));
  const base::Result<FileStat> stat = handle.is_open() ? handle.stat() : base::Result<FileStat>{};
  if (handle.is_open() && stat && id_of(*stat) == directory->id) {
    // A failed open is an ordinary outcome: the file may be gone again. The event then comes without it.
    event.opened = opened_or_none(File::open_read_only_at(handle, event.name));
    if (event.opened.is_open() && companion != event.name) {
      event.opened_companion = opened_or_none(File::open_read_only_at(handle, companion));
    }
  }
  event.open_mark = stream_mark();
  // Where the file is gone the directory may be, and then its last close waits for the journal.
  if (!event.opened.is_open()) closer_.close_later(std::move(handle));
}

}  // namespace os
