// The log (X.db-wal) as bytes: header of 32, then frames of 24 + page size. Big-endian integers.
//
//   header: magic 0x377f0682 | 1 if checksums are over big-endian words@0, version 3007000@4, page size@8,
//           checkpoint number@12, salts@16/20, checksum of bytes 0..23@24/28
//   frame:  page number@0, database size after commit@4 (0: not a commit), salts@8/12, running checksum@16/20, page@24
//
// A frame counts only if its salts are the header's and the checksum chain from the header reaches it. Frames of older
// generations follow the valid ones; the file's size says nothing. Source: SQLite's wal.c. Pure: takes bytes.
//
// Unsummed frames: SQLite 3.40, and others before the repair, may commit frames whose salts and checksum are zeros. A
// writer that overwrites a spilled page leaves checksums for the COMMIT, which starts at the overwritten frame; a
// ROLLBACK TO in between moves the end of the log back before it, which the versions of then did not notice (3.53
// resets iReCksum in sqlite3WalSavepointUndo). The chain starts again behind such a frame, with zeros, or, if the
// overwritten frame lies beyond the commit, with what that one holds, which may be overwritten later. Readers go by the
// wal-index and see the commit; a recovery ends before it, and loses it and all that follow.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "wal/index.h"

namespace wal {

inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kFrameHeaderBytes = 24;

// File offset of frame `index` (1-based).
constexpr std::uint64_t frame_offset(std::uint32_t index, std::uint32_t page_size) {
  return kHeaderBytes + std::uint64_t{index - 1} * (kFrameHeaderBytes + page_size);
}

bool is_page_size(std::uint32_t bytes);  // a power of two from 512 to 65536

struct LogHeader {
  bool big_endian_checksums = false;
  std::uint32_t page_size = 0;
  std::uint32_t checkpoint_number = 0;
  Salts salts;
  Checksum checksum;  // the seed of frame 1
};

// nullopt: too short, wrong magic, version, page size or checksum: an empty log or a header being rewritten.
std::optional<LogHeader> parse_log_header(base::ByteView bytes);

// SQLite's checksum over a multiple of 8 bytes (CHECK).
Checksum extend(Checksum seed, base::ByteView bytes, bool big_endian);

struct FrameHeader {
  std::uint32_t page_number = 0;
  std::uint32_t commit_page_count = 0;  // > 0: this frame ends a transaction
  Salts salts = {};
  Checksum checksum = {};
  [[nodiscard]] bool is_commit() const { return commit_page_count != 0; }
  [[nodiscard]] bool is_unsummed() const { return page_number != 0 && salts == Salts{} && checksum == Checksum{}; }
};
FrameHeader parse_frame_header(base::ByteView bytes);  // needs kFrameHeaderBytes

// Walks frames in order and says where the chain breaks. Feed it whole frames (24 + page size bytes each); a shorter
// one, as at the end of a file, does not continue the chain.
class ChainWalker {
 public:
  ChainWalker(Salts salts, bool big_endian, std::uint32_t page_size, Checksum seed)
      : salts_(salts), big_endian_(big_endian), page_size_(page_size), checksum_(seed) {}

  // The frame's header if it continues the chain, else nullopt (and the walker stays where it was).
  std::optional<FrameHeader> next(base::ByteView frame);
  // The header of an unsummed frame, or of the one behind it, which prove nothing: only the wal-index can say that they
  // count. The chain starts again there. nullopt: it is none, and the walker stays where it was.
  std::optional<FrameHeader> pass_unsummed(base::ByteView frame);
  [[nodiscard]] Checksum checksum() const { return checksum_; }

 private:
  Salts salts_;
  bool big_endian_;
  std::uint32_t page_size_;
  Checksum checksum_;
  bool behind_unsummed_ = false;
};

// Counts commits as the wal-index's change counter does: a run of commit frames with the same page number, size and
// bytes (padding of a synced commit on storage without power-safe overwrite) is one. Can only under-count.
class CommitCounter {
 public:
  void add(const FrameHeader& header, base::ByteView page);
  [[nodiscard]] std::uint32_t commits() const { return commits_; }

 private:
  std::uint32_t commits_ = 0;
  std::optional<FrameHeader> last_commit_;
  base::Bytes last_page_;
};

}  // namespace wal
