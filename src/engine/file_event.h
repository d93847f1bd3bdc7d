// What happened to the files of one client, as the watcher saw it. Ordered by position in the event stream.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/look.h"

namespace engine {

enum class FileEventKind : std::uint8_t {
  log_created,    // X.db-wal; `opened` holds what the watcher's thread could open in time
  index_created,  // X.db-shm, a moment after its log; `opened` is complete if the watcher's thread was in time
  log_modified,
  log_deleted,
  index_closed,       // CLOSE_WRITE of X.db-shm: a process that was attached has gone
  database_modified,  // data written into X.db
  database_replaced,  // X.db created, renamed in or over: another file
  journal_touched,    // X.db-journal
  events_lost,        // the queue overflowed: anything may have happened
  checked,            // start, sweep or operator: look whether anything happened
};

struct FileEvent {
  FileEventKind kind = FileEventKind::checked;
  std::uint64_t position = 0;
  Attachment opened;
};

// The stream of all events as far as it has been handed to the clients.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // Everything at or before this position is in the clients' mailboxes.
  [[nodiscard]] virtual std::uint64_t delivered() const = 0;
  // Events at or before it happened before this call.
  virtual std::uint64_t mark() = 0;
  // Waits until delivered() >= mark, 100 ms at most; false: not in time.
  virtual bool wait_delivered(std::uint64_t mark) = 0;
};

}  // namespace engine
