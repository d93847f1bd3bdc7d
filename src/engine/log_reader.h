// Reads committed frames out of a log through a descriptor: first the whole chain is verified and the newest frame of
// each page noted, then those pages are copied into a PageSet. Frames beyond what the caller allows are never looked
// at, since a valid commit frame may be a commit that failed or has not happened yet.
//
// One thread. Cost: one pass over the frames at about 7 GB/s, plus 6 us per distinct page for compression.
#pragma once

#include <cstdint>
#include <limits>
#include <unordered_map>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/page_set.h"
#include "engine/position.h"
#include "os/file.h"
#include "wal/frames.h"

namespace engine {

// "As far as valid commits reach": for a log that nobody has open, where recovery would accept the same.
inline constexpr std::uint32_t kToLastValidCommit = std::numeric_limits<std::uint32_t>::max();

struct FrameRange {
  LogPosition after;     // start behind this frame (frame 0: behind the log header, checksum = the header's)
  std::uint32_t to = 0;  // last frame, or kToLastValidCommit
  // Also unsummed frames (wal/frames.h), as readers do. Only for a range that begins at the log's start and ends where
  // the wal-index says: they continue no chain, so nothing tells whether frames before them were written again.
  bool unsummed_too = false;
};

// Newest committed copy of each page in a range.
struct CommittedFrames {
  bool whole = false;  // the chain reached `to` without a break (always true for kToLastValidCommit)
  LogPosition end;     // at the last frame (whole) or last commit (kToLastValidCommit)
  std::uint32_t commits = 0;
  std::uint32_t frames = 0;
  std::uint32_t unsummed = 0;    // of them, frames that no checksum proves
  bool ends_unsummed = false;    // the last one is: `end.checksum` says nothing
  std::uint32_t page_count = 0;  // database size after the last commit in the range; 0 if there is none
  std::unordered_map<std::uint32_t, std::uint32_t> newest;  // page number -> frame

  // Bytes of the range if it was small enough to keep, from frame `kept_from`; already verified.
  base::Bytes kept;
  std::uint32_t kept_from = 0;
};

// Position behind the log header, frame 0. nullopt: no valid header there now.
base::Result<std::optional<LogPosition>> log_start(const os::File& wal);

base::Result<CommittedFrames> read_committed(const os::File& wal, const FrameRange& range);

// Copies the newest pages into `into` (pages above frames.page_count are left out). If frames.kept is empty the log is
// read a second time: the caller then makes sure that its salts have not changed since, else the set is not to be used.
base::Result<> copy_pages(const os::File& wal, const CommittedFrames& frames, PageSet& into);

}  // namespace engine
