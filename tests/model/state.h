// One state of the modelled world: what SQLite's files hold, what was committed, which events are on their way, what
// the engine knows and what the bucket holds. Bytes without padding, so that states are hashed and compared as they
// lie in memory; kept canonical (what is of no use is zero) so that equal worlds are equal bytes.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace model {

using Byte = std::uint8_t;

inline constexpr int kPages = 2;
inline constexpr int kFrames = 4;
inline constexpr int kLogs = 3;
inline constexpr int kHistory = 8;
inline constexpr int kEvents = 6;
inline constexpr int kLives = 2;

// No padding anywhere.
#pragma pack(push, 1)

// The content of all pages, 4 bits each; content 0 does not occur.
using Content = Byte;
constexpr Byte page_of(Content content, int page) {
  return static_cast<Byte>((content >> (4 * page)) & 0xF);
}
constexpr Content with_page(Content content, int page, Byte value) {
  return static_cast<Content>((content & ~(0xF << (4 * page))) | (value << (4 * page)));
}

// Pages captured: bit p of `mask` says that page p is there.
struct Pages {
  Byte mask = 0;
  Content content = 0;
  void put(int page, Byte value) {
    mask = static_cast<Byte>(mask | (1 << page));
    content = with_page(content, page, value);
  }
  [[nodiscard]] bool contains(int page) const { return (mask >> page & 1) != 0; }
  [[nodiscard]] Content over(Content below) const {
    for (int p = 0; p < kPages; ++p) {
      if (contains(p)) below = with_page(below, p, page_of(content, p));
    }
    return below;
  }
};

struct Frame {
  Byte generation = 0;  // stands for the salts; 0: never written
  Byte page = 0;
  Byte value = 0;
  Byte commit = 0;
  std::uint32_t chain = 0;  // hash of everything from the log header to here
};

// The wal-index.
struct Index {
  Byte generation = 0, max_frame = 0, backfilled = 0, counter = 0;
  Byte torn = 0;  // its two copies differ: a writer died while it wrote them
};

enum class LogFile : Byte { none, at_path, deleted };

struct Log {
  LogFile file = LogFile::none;
  Byte header_generation = 0;  // 0: empty file
  Byte commits_at_end = 0;     // what was committed when it was deleted
  Index index;
  std::array<Frame, kFrames> frames;
};

struct Writer {
  Byte active = 0;
  Byte generation = 0;
  Byte frames = 0;     // written behind max_frame
  Byte committed = 0;  // its commit frame is written, the index does not know yet
};

enum class EventKind : Byte { none, created, deleted, closed, closed_by_death, lost, checked };

// Descriptors, by the number of the log slot plus 1 (0: none), with the positions in the event stream before and after
// they were opened. Positions count from the last event that was delivered.
struct Pair {
  Byte log = 0;
  Byte mark_before = 0, mark = 0;
};

struct Event {
  EventKind kind = EventKind::none;
  Byte watched = 0;  // read by the watcher's thread, in the client's mailbox
  Pair opened;
};

struct Life {
  Byte present = 0;
  Pair pair;
  Byte start_seen = 0, index_closes = 0, events_lost = 0;
};

// engine::Continuity in bytes (adapter.h converts).
struct Knowledge {
  Byte kind = 0;
  Byte generation = 0, frame = 0;
  Byte ledger_valid = 0, counter = 0;
  Byte fingerprint_complete = 0, fingerprint_time = 0;
  Byte all_backfilled = 0, verify_closed = 0;
  Byte closes_since = 0, closes_at_look = 0;
  Byte ledger_verdict = 0, doubt = 0;
  Byte commits_since = 0;  // how many commits happened since `last_look`: the least time that has passed
  Byte claim = 0;          // which committed state the position stands for; the model's own
  Byte pinned = 0;
  std::uint32_t checksum = 0;
};

enum class LookPhase : Byte { none, header_read, frames_read, header_read_again, heard, leftover_read };

struct LookState {
  LookPhase phase = LookPhase::none;
  Byte begins_base = 0;
  Index seen;
  Byte chain_continues = 0, chain_from_start = 0, commits = 0, settled = 0;
  Byte end_frame = 0;
  Byte claim = 0;
  Pages pages;
  std::uint32_t seen_checksum = 0, end_checksum = 0;
};

// How far a base (image or diff) has come.
enum class BasePhase : Byte {
  none,
  needed,
  first_stamp,
  second_stamp,
  reading,
  next_page,
  read,
  last_stamp,
  stamped,
  proven
};

enum class Upload : Byte { idle, running, waiting };

struct Object {
  Byte present = 0;
  Byte claim = 0;
  Pages pages;
};

enum class RestPhase : Byte { none, first_stamp, second_stamp, looking };

struct Manager {
  Byte running = 0;
  Knowledge known;
  Life life;
  std::array<Life, kLives> ended;
  LookState look;
  Byte step_took_pages = 0;  // at the end of a life, before the look goes on
  BasePhase base = BasePhase::none;
  Byte base_saw_log = 0, base_stat = 0, base_stat_after = 0, base_clock = 0;
  RestPhase rest = RestPhase::none;
  Byte rest_stat = 0, rest_clock = 0;
  Pages gathered;
  Byte base_done = 0;
  Upload upload = Upload::idle;
  Object frozen;
  Knowledge frozen_position;
};

// The state directory and the bucket.
struct Stored {
  Content index = 0;  // the page index, of the acknowledged state
  Byte acknowledged = 0, attempted = 0;
  Knowledge position;
  Content bucket = 0;
  Byte newest = 0;  // TXID
  Byte bucket_claim = 0;
  Pages newest_pages;  // of the newest object
  Object in_flight;    // a PUT that the network holds back
  Byte in_flight_txid = 0;
};

// How often each bounded thing has happened.
enum Budget : Byte {
  kCommits,
  kSpills,
  kGhosts,
  kRollbacks,
  kOpens,
  kCloses,
  kKills,
  kTorn,
  kRestarts,
  kPartials,
  kTicks,
  kRests,
  kOverflows,
  kSweeps,
  kManagerKills,
  kLostAnswers,
  kFailures,
  kDelays,
  kDrops,
  kBases,
  kPins,
  kHalfCheckpoints,
  kBudgets
};

struct State {
  Content database = 0;
  Byte database_time = 0, now = 0;
  Byte apps = 0;     // attached; one of them may be the writer
  Byte current = 0;  // log slot at the path, plus 1
  Byte dying = 0;    // dead processes whose CLOSE_WRITE is yet to come
  Byte last_generation = 0, fresh = 0;
  Writer writer;
  std::array<Log, kLogs> logs;
  Byte commits = 0;  // history[commits] is the committed state
  std::array<Content, kHistory> history{};
  std::array<Event, kEvents> events;
  Stored stored;
  std::array<Byte, kBudgets> used{};
  Manager manager;
};

#pragma pack(pop)

static_assert(std::has_unique_object_representations_v<State>, "no padding: states are compared byte by byte");
static_assert(std::is_trivially_copyable_v<State>);

}  // namespace model
