#include "engine/look.h"

#include <array>
#include <atomic>

#include "os/file_lock.h"

namespace engine {

namespace {

constexpr int kIndexTries = 20;

// Does the log hold something that may be a commit on its way? A commit writes its frames before it is published, so
// the frame after the last one then carries the current salts; a restart publishes new salts before the log's header
// has them.
base::Result<bool> looks_written(const os::File& wal, const wal::IndexHeader& header, const Position& captured,
                                 std::uint64_t wal_bytes) {
  TRY_ASSIGN(const std::optional<LogPosition> start, log_start(wal));
  if (header.max_frame == 0) {
    if (wal_bytes == 0) return false;
    return !start || captured.kind != PositionKind::log || !(start->salts == captured.log.salts);
  }
  if (!start || !(start->salts == header.salts)) return true;
  std::array<std::uint8_t, wal::kFrameHeaderBytes> raw{};
  TRY_ASSIGN(const std::size_t got, wal.read_at(wal::frame_offset(header.max_frame + 1, header.page_size), raw));
  if (got < raw.size()) return false;
  const wal::FrameHeader next = wal::parse_frame_header(raw);
  return next.salts == header.salts || next.is_unsummed();
}

// What looks written may be the rest of a rolled-back transaction, which stays for ever. A commit on its way holds the
// writer lock until it is published: if nobody holds it and the header is still the same afterwards, there is none.
base::Result<bool> is_settled(const Attachment& attachment, const wal::IndexHeader& header, const Position& captured,
                              std::uint64_t wal_bytes) {
  TRY_ASSIGN(const bool written, looks_written(attachment.wal, header, captured, wal_bytes));
  if (!written) return true;
  if (os::foreign_process_lock(attachment.shm, os::kShmWriteByte)) return false;
  TRY_ASSIGN(const std::optional<wal::IndexHeader> again, read_index(attachment.shm));
  return again && again->same_commit(header);
}

// The frames are read after the header that names them. The thread sanitizer does not know fences and does not need
// this one: it orders what another process wrote.
void read_frames_after_header() {
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
  std::atomic_thread_fence(std::memory_order_acquire);
#pragma GCC diagnostic pop
}

bool ends_in(const CommittedFrames& frames, const wal::IndexHeader& header) {
  if (!frames.whole || frames.end.frame != header.max_frame) return false;
  return frames.ends_unsummed || frames.end.checksum == header.frame_checksum;
}

base::Result<> walk(const Attachment& attachment, const Position& captured, Look& look) {
  const wal::IndexHeader& header = look.header;
  if (header.max_frame == 0) return {};
  if (captured.kind == PositionKind::log && captured.log.salts == header.salts) {
    if (header.max_frame <= captured.log.frame || header.page_size != captured.log.page_size) return {};
    TRY_ASSIGN(look.frames, read_committed(attachment.wal, {captured.log, header.max_frame}));
    look.chain_continues = ends_in(look.frames, header);
    return {};
  }
  TRY_ASSIGN(const std::optional<LogPosition> start, log_start(attachment.wal));
  if (!start || !(start->salts == header.salts) || start->page_size != header.page_size) return {};
  TRY_ASSIGN(look.frames, read_committed(attachment.wal, {*start, header.max_frame, true}));
  look.chain_from_start = ends_in(look.frames, header);
  // Whoever writes the next frame continues from what the index says.
  if (look.frames.ends_unsummed) look.frames.end.checksum = header.frame_checksum;
  return {};
}

}  // namespace

bool vouched(const os::File& shm) {
  return os::foreign_process_lock(shm, os::kShmDmsByte);
}

base::Result<std::optional<wal::IndexHeader>> read_index(const os::File& shm) {
  std::array<std::uint8_t, wal::kIndexHeaderBytes> raw{};
  for (int i = 0; i < kIndexTries; ++i) {
    TRY_ASSIGN(const std::size_t got, shm.read_at(0, raw));
    if (got < raw.size()) return std::nullopt;
    if (auto header = wal::parse_index(raw)) return header;
  }
  return std::nullopt;
}

base::Result<Look> look_at(const Attachment& attachment, const Position& captured, LookMode mode) {
  Look look;
  const bool live = mode == LookMode::live || mode == LookMode::kept;
  const bool ask = mode == LookMode::live;
  if (ask && !vouched(attachment.shm)) {
    look.belief = IndexBelief::not_vouched;
    return look;
  }
  TRY_ASSIGN(const std::optional<wal::IndexHeader> first, read_index(attachment.shm));
  if (!first) return look;
  look.header = *first;
  read_frames_after_header();
  TRY(walk(attachment, captured, look));
  TRY_ASSIGN(const os::FileStat wal_stat, attachment.wal.stat());
  look.wal_bytes = wal_stat.size_bytes;
  TRY_ASSIGN(const std::optional<wal::IndexHeader> second, read_index(attachment.shm));
  // A restart during the look: what was read may be of two generations.
  if (!second || !(second->salts == first->salts) || second->max_frame < first->max_frame) return look;
  if (ask && !vouched(attachment.shm)) {
    look.belief = IndexBelief::not_vouched;
    return look;
  }
  look.belief = IndexBelief::believed;
  look.header.backfilled = second->backfilled;
  if (mode == LookMode::final) {
    TRY_ASSIGN(look.goes_on, looks_written(attachment.wal, *first, captured, look.wal_bytes));
  }
  if (live && second->same_commit(*first)) {
    TRY_ASSIGN(look.settled, is_settled(attachment, *first, captured, look.wal_bytes));
  }
  return look;
}

}  // namespace engine
