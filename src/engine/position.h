// Where capture of one database stands, and what proves that nothing was missed since. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "os/file.h"
#include "wal/frames.h"
#include "wal/index.h"

namespace engine {

// Frame `frame` of the generation `salts` is the last one captured; its running checksum identifies the whole prefix.
struct LogPosition {
  wal::Salts salts;
  std::uint32_t frame = 0;
  wal::Checksum checksum;
  std::uint32_t page_size = 0;
  bool big_endian = false;
  // There are unsummed frames (wal/frames.h) in the prefix, so that the checksum does not identify it. Never written
  // down: a later run cannot know what became of such a log.
  bool unproven = false;
  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

// none   nothing is known: only a page diff or an image makes it known again
// log    captured through a frame of a log
// closed no log; everything is in the database file. "No log" is no generation: it is resumed by an unchanged
//        fingerprint or by the event stream alone, never by comparing salts
enum class PositionKind : std::uint8_t { none, log, closed };

struct Position {
  PositionKind kind = PositionKind::none;
  LogPosition log;
  friend bool operator==(const Position&, const Position&) = default;
};

// What a quiet database file looks like from outside. Equality proves "nothing happened" only if `complete`: everything
// was backfilled when it was taken, and its time stamps were older than the clock's granularity at that moment.
struct Fingerprint {
  bool complete = false;
  os::FileStat database;  // inode 0: nothing is known of it
  bool young = false;     // its time stamps may be repeated by a write of the next moment
};

// True if `now` proves that the database is as it was when `then` was taken (rule E).
bool unchanged(const Fingerprint& then, const os::FileStat& now);
// True if nobody wrote or exchanged the file since, whatever a log beside it holds. Of a young one: as far as known.
bool untouched(const Fingerprint& then, const os::FileStat& now);
// Takes a fingerprint of `stat` at wall clock `now`; complete only if `all_backfilled` and the times are old enough.
// REQUIRES: both were read before the look that found everything captured.
Fingerprint take_fingerprint(const os::FileStat& stat, bool all_backfilled, base::UnixMillis now);

// For the state database: one line of text, versioned. parse_* answer nullopt to what they do not know: then nothing is
// assumed and a diff follows. What a young fingerprint knows is not written down.
std::string to_text(const Position& position);
std::optional<Position> parse_position(const std::string& text);
std::string to_text(const Fingerprint& fingerprint);
std::optional<Fingerprint> parse_fingerprint(const std::string& text);

}  // namespace engine
