// What the engine tells the outside: immutable values, taken as one snapshot. Dashboard, API, metrics and log use these
// very words. Nothing here reaches back into the engine.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "storage/object_store.h"

namespace engine {

enum class ClientState : std::uint8_t {
  discovered,  // found, not looked at yet
  waiting,     // 0 bytes or not a database yet; starts by itself at the first write
  imaging,     // first full image is being made or uploaded
  live,        // being written; caught up or a little behind
  idle,        // quiet, everything stored, nothing held
  paused,      // by the operator
  blocked,     // cannot be captured; `detail` says why and what to do
  conflict,    // another writer owns the prefix in the bucket; nothing is overwritten
  failing,     // the store refuses or is away; retried at `next_attempt`
  removed,     // file is gone; its backup is kept
};
std::string_view to_string(ClientState state);

enum class ForeignWriter : std::uint8_t {
  litestream,            // an LTX file without our mark
  manager,               // another state directory's
  same_state_directory,  // of a run that this state does not know: put back to an older day, or copied
  unreadable,            // no LTX file
};
std::string_view to_string(ForeignWriter writer);

// Another one's object stands where our next one would have gone. foreign.h has the words for it.
struct Conflict {
  ForeignWriter writer = ForeignWriter::unreadable;
  std::uint64_t lineage = 0;  // of a Manager's object, else 0
  std::string key;            // the first object that is not ours
  std::uint64_t txid = 0;     // of it
  // When it was made, by its writer's clock: since then the history in the bucket is not ours. None: unreadable.
  std::optional<base::UnixMillis> since;
  base::UnixMillis noticed{0};

  friend bool operator==(const Conflict&, const Conflict&) = default;
};

// States that were committed and cannot be restored any more, because the store was away when they were new.
struct LostPoints {
  std::uint64_t count = 0;  // since start; one per sync interval at most, as many as objects would have been made
  base::UnixMillis since{0}, until{0};  // of the last outage; meaningless while count is 0

  friend bool operator==(const LostPoints&, const LostPoints&) = default;
};

// What the last verification of a backup found (verify.h).
struct VerificationStatus {
  std::string verdict;  // "ok", "warning", "failure"
  base::UnixMillis at{0};
  std::chrono::milliseconds duration{0};
  std::uint64_t txid = 0;     // of the state that was read; 0: none was whole
  bool source_equal = false;  // and the live database held the same
  std::string object;         // key that the worst finding is about; may be empty
  std::string text;           // the worst finding; empty: none

  friend bool operator==(const VerificationStatus&, const VerificationStatus&) = default;
};

struct ClientStatus {
  std::string client_id;
  std::string database_path;
  std::string replica_path;  // "databases/{GUID}"
  ClientState state = ClientState::discovered;
  std::string detail;                // for people; empty when all is well
  std::optional<Conflict> conflict;  // in that state, and only then
  std::uint64_t database_bytes = 0;
  std::uint64_t txid = 0;  // last stored
  std::optional<base::UnixMillis> last_replicated;
  std::optional<base::UnixMillis> next_attempt;
  base::UnixMillis created{0};  // when we first saw it
  bool behind = false;          // commits seen that are not stored yet, or nobody can see (blocked)
  std::uint64_t commits = 0;    // captured since start
  std::uint64_t uploads = 0, upload_bytes = 0;
  std::uint64_t diffs = 0;  // gaps healed by reading the database
  LostPoints lost_points;
  std::string journal_mode;                        // "wal", "rollback", "" unknown
  std::optional<VerificationStatus> verification;  // the last one; the board adds it, clients leave it alone

  friend bool operator==(const ClientStatus&, const ClientStatus&) = default;
};

// What a request to the store is for. In the order in which a saved bill has them.
enum class Purpose : std::uint8_t {
  capture,       // objects of new transactions
  merge,         // compaction, and the reading of what it merges (for snapshots too)
  snapshot,      // the storing of snapshots
  retention,     // deletions, and looks at what they did
  recovery,      // asking the bucket what it holds: at starts, after failures, whose an object is
  other,         // of no client
  audit,         // comparing the bucket with what is recorded
  verification,  // proving backups by reading them
};
inline constexpr std::size_t kPurposes = 8;
std::string_view to_string(Purpose purpose);

// Requests as the store's provider counts them: attempts, parts and pages each by itself.
struct RequestTally {
  std::array<std::array<std::uint64_t, storage::kRequestKinds>, kPurposes> requests{};  // [Purpose][RequestKind]
  std::uint64_t sent_bytes = 0, received_bytes = 0;

  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] std::uint64_t of(Purpose purpose) const;
  [[nodiscard]] std::uint64_t of(storage::RequestKind kind) const;
};

// In the currency of the price table. Months are UTC's. What cannot be said yet is none: a rate needs an hour.
struct FleetBill {
  bool priced = false;  // false: the store is a directory, and every cost here is 0
  RequestTally since_start;
  RequestTally this_month;
  base::UnixMillis month_counted_from{0};  // the month's beginning, or when counting began in it
  std::optional<double> requests_per_day;  // of the last 24 hours, or of what there is of them
  double month_cost = 0;                   // so far, with storage
  double month_storage_cost = 0;           // the part of it
  std::optional<double> month_cost_projected;
  std::uint64_t stored_objects = 0, stored_bytes = 0;  // of all databases that this state directory knows
};

// What the bucket holds for a client, by the inventory.
struct BucketHoldings {
  std::uint64_t objects = 0, bytes = 0;
  std::uint32_t plan_objects = 0;                 // of a restore of the newest point
  std::optional<base::UnixMillis> oldest_point;   // the oldest that can be restored
  std::optional<base::UnixMillis> last_snapshot;  // the point that the newest snapshot holds
  std::string failure;                            // of the last merge or removal that failed in this run
  std::optional<base::UnixMillis> failed_at;
  bool failing = false;  // and it has not gone well since

  friend bool operator==(const BucketHoldings&, const BucketHoldings&) = default;
};

// What one client costs, and for what. Without the deletions, which go for many clients together.
struct ClientAccount {
  RequestTally since_start;
  std::optional<double> requests_per_day;
  std::optional<double> cost_per_month;    // as since the start, with what it holds now
  std::optional<BucketHoldings> holdings;  // none: not looked at yet, or nothing is there
};

struct Counters {
  std::uint64_t events = 0, event_overflows = 0, missed_events = 0, sweeps = 0;
  std::uint64_t looks = 0, captures = 0, commits = 0, frames = 0;
  std::uint64_t lives = 0, lives_missed = 0;  // WAL files seen from creation to deletion
  std::uint64_t diffs = 0, diff_bytes_read = 0, images = 0, pins = 0, kept_logs = 0;
  std::uint64_t uploads = 0, upload_bytes = 0, upload_failures = 0, conflicts = 0, adopted = 0, dropped_captures = 0;
  std::uint64_t takeovers = 0, lost_points = 0, repaired_chains = 0;
  std::uint64_t proofs_append = 0, proofs_ledger = 0, proofs_life = 0, proofs_unchanged = 0, gaps = 0;
  std::uint64_t ignored_files = 0, refused_files = 0;
  std::uint64_t merges = 0, snapshots = 0;                              // objects that upkeep added
  std::uint64_t upkeep_bytes_read = 0, upkeep_bytes_written = 0;        // from and to the bucket
  std::uint64_t removed_objects = 0, removed_bytes = 0;                 // by retention
  std::uint64_t cache_hits = 0, cache_misses = 0, upkeep_failures = 0;  // failures: repeated later
};

// How many there are, and the first of them by name.
struct NamedCount {
  static constexpr std::size_t kNamed = 10;
  std::uint64_t count = 0;
  std::vector<std::string> first;  // at most kNamed

  void add(std::string name) {
    ++count;
    if (first.size() < kNamed) first.push_back(std::move(name));
  }
  friend bool operator==(const NamedCount&, const NamedCount&) = default;
};

// What an audit of the bucket found (audit_round.h), or has found so far.
struct AuditStatus {
  base::UnixMillis begun{0};
  std::optional<base::UnixMillis> ended;  // none: it is not over
  std::uint64_t clients = 0, objects = 0, bytes = 0;
  // Ids of clients whose backup is not as it is recorded.
  NamedCount different;  // their inventory was wrong: it is made anew
  NamedCount broken;     // their newest state cannot be restored
  NamedCount lost;       // stored once, and nothing is there
  NamedCount mending;    // of the two above, those that their client makes good from the database
  // Restore points that are recorded and cannot be restored any more, in all; "GUID: 3 from TXID to TXID".
  std::uint64_t lost_points = 0;
  NamedCount losses;
  // What no database here accounts for, and the other way round. Nothing of it is touched.
  NamedCount gone;      // ids of backups whose database is gone
  NamedCount unknown;   // and of those that this host never had
  NamedCount foreign;   // keys that are no backup's
  NamedCount unstored;  // ids of databases that have no backup

  [[nodiscard]] bool is_bad() const { return different.count + broken.count + lost.count + lost_points > 0; }
  friend bool operator==(const AuditStatus&, const AuditStatus&) = default;
};

struct AuditOverview {
  bool on = false;
  std::optional<base::UnixMillis> due;  // when the next one begins; none: one is under way, or there are none
  std::optional<AuditStatus> running, last;

  friend bool operator==(const AuditOverview&, const AuditOverview&) = default;
};

struct WatchDirStatus {
  std::string path;
  bool ok = true;
  std::string detail;  // why not, retried
};

// Where backups are, complete enough to find them from another machine. Never a secret.
struct StoreAddress {
  std::string url = {};       // "s3://name[/prefix]", "file:///directory" (absolute)
  std::string endpoint = {};  // of an S3-compatible server; empty: AWS
  std::string region = {};    // empty: none was named anywhere
  bool path_style = false;
};

struct FleetStatus {
  std::uint64_t version = 0;  // grows with every change of any client; equal versions mean equal content
  std::string bucket;         // as the operator wrote it; never a secret
  StoreAddress store;
  std::vector<WatchDirStatus> watch_dirs;
  base::UnixMillis started{0};
  std::vector<std::shared_ptr<const ClientStatus>> clients;  // sorted by id
  Counters counters;
  storage::RequestCounts requests;
  FleetBill bill;
  AuditOverview audit;
  std::uint64_t pending_bytes = 0;   // captured, not stored yet, in memory
  std::vector<std::string> notices;  // for the operator: things refused or degraded
};

// Where the web server gets its snapshots. Thread safe, never blocks on the engine's work.
class StatusSource {
 public:
  virtual ~StatusSource() = default;
  [[nodiscard]] virtual std::shared_ptr<const FleetStatus> fleet() const = 0;
  // Cheap: the current version without making a snapshot.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  // Of one client, by its id; empty for one that nobody knows. Cheap, but not for each of a hundred thousand.
  [[nodiscard]] virtual ClientAccount account(std::string_view client_id) const = 0;
};

}  // namespace engine
