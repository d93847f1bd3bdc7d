// One look at a log through an attachment (two read-only descriptors): what the wal-index says is committed, verified
// frame by frame, and whether more is on its way. Takes no lock.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "engine/log_reader.h"
#include "engine/position.h"
#include "os/file.h"
#include "wal/index.h"

namespace engine {

// The descriptors of one log life. The marks are the watcher's stream marks before and after both were opened: they
// belong to the last creation of the name at or before the first; a creation between the two leaves open whose they
// are.
struct Attachment {
  os::File wal;
  os::File shm;
  std::uint64_t mark_before = 0;
  std::uint64_t mark = 0;
  [[nodiscard]] bool complete() const { return wal.is_open() && shm.is_open(); }
};

enum class IndexBelief : std::uint8_t {
  believed,     // a foreign process vouched before and after, or none was asked for (`kept`, `unvouched`, `final`)
  not_vouched,  // nobody holds the dead-man switch: the index may be stale
  unsteady,     // being written or rebuilt right now; look again in a moment
};

struct Look {
  IndexBelief belief = IndexBelief::unsteady;
  wal::IndexHeader header;
  bool settled = false;           // no commit is under way behind header.max_frame
  bool goes_on = false;           // of a final look: the log holds more than this index tells of
  bool chain_continues = false;   // `frames` are captured+1..max_frame and end in the header's checksum
  bool chain_from_start = false;  // `frames` are 1..max_frame and end in the header's checksum
  CommittedFrames frames;
  std::uint64_t wal_bytes = 0;
  Fingerprint database;  // the file as it was before the look; set by who knows its path
};

enum class LookMode : std::uint8_t {
  live,       // somebody must vouch for the index
  kept,       // we have held the dead-man switch since somebody did (LogKeeper)
  unvouched,  // nobody seems to be attached: the index may be stale, so what it does not say proves nothing
  final,      // a deleted log, whose descriptors are known to be its own
};

// io errors are passed on (the descriptor failed); everything else is in the Look.
base::Result<Look> look_at(const Attachment& attachment, const Position& captured, LookMode mode);

// The index alone, a few tries against torn copies; nullopt if none was whole.
base::Result<std::optional<wal::IndexHeader>> read_index(const os::File& shm);

// Is a foreign process attached, as far as its lock on the dead-man switch shows?
bool vouched(const os::File& shm);

}  // namespace engine
