// What the operator asked for, as plain values. Made by command_line.h, read by the commands. Every default is written
// here and nowhere else: help texts show what these fields hold.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/config_check.h"
#include "engine/client_policy.h"
#include "engine/restore.h"
#include "history/cost.h"

namespace cli {

// Where backups live. Shared by every command that talks to the bucket. Credentials are not here: the store finds them
// in the environment and in the shared AWS files.
struct StoreOptions {
  std::string bucket;    // as written by the operator; storage/bucket_url.h reads it
  std::string endpoint;  // "http[s]://host[:port]"; empty: AWS. Set, it implies path style
  std::string region;    // empty: from the environment, else us-east-1
  bool force_path_style = false;
};

struct LogOptions {
  base::log::Level level = base::log::Level::info;
  base::log::Format format = base::log::Format::text;
};

// The daemon.
struct Options {
  std::vector<std::filesystem::path> watch_dirs;  // at least one; trimmed, lexically normal, each once
  StoreOptions store;
  std::string bind = "127.0.0.1";                                   // an IP address literal
  std::uint16_t port = 8080;                                        // 0: any free port
  std::filesystem::path state_dir;                                  // empty: see state_directory()
  bool restore_missing = false;                                     // at a start, what has a backup and no file
  std::chrono::milliseconds verify_every{std::chrono::hours(720)};  // each backup once in this time; 0: never
  std::chrono::milliseconds audit_every{std::chrono::hours(720)};   // bucket and records are compared; 0: never
  std::chrono::milliseconds shutdown_timeout{30'000};
  LogOptions log;
  history::PriceTable prices;
  engine::ClientPolicy client;             // what holds for a client that no block says otherwise for
  std::vector<ClientBlock> client_blocks;  // of the configuration file
  std::filesystem::path config_file;       // empty: none
};

// `state_dir`, or `.litestream-manager` inside the first watched directory.
std::filesystem::path state_directory(const Options& options);

// Where the daemon keeps its state unless it is told.
std::filesystem::path default_state_directory(const std::filesystem::path& first_watch_dir);

// `explain -cost` without a state directory to learn from: clients that are all the same.
struct SupposedWriting {
  double commits_per_day = 0;  // 0: nothing is supposed
  double clients = 1;
  double commit_kb = 8;      // of an object that holds one commit, compressed
  double database_mb = 100;  // of the whole database, compressed
};

// `pin`, `unpin` and `pins`.
struct PinRequest {
  enum class What : std::uint8_t { pin, unpin, list };
  What what = What::list;
  StoreOptions store;
  std::string client;             // GUID; empty: all, for `list`
  history::RestoreTarget target;  // neither: the newest state, for `pin`
  std::string note;
  std::optional<base::UnixMillis> until;  // none: for good
  bool all = false;                       // every pin of the client
  bool json = false;
  std::filesystem::path config_file;  // empty: none
  LogOptions log;
};

// What `retention`, `purge` and `audit` have in common: the bucket, and what this host knows of its databases.
struct KeepingOptions {
  StoreOptions store;
  std::vector<std::filesystem::path> watch_dirs;
  std::filesystem::path state_dir;  // empty: no state is asked
  bool state_dir_said = false;      // else it follows from watch_dirs, and need not exist
  bool json = false;
  LogOptions log;
  std::filesystem::path config_file;  // empty: none
};

// `retention`.
struct RetentionRequest {
  KeepingOptions common;
  std::string client;                      // GUID; empty: all
  engine::ClientPolicy policy;             // what holds for a client that no block says otherwise for
  std::vector<ClientBlock> client_blocks;  // of the configuration file
};

// `purge`.
struct PurgeRequest {
  KeepingOptions common;
  std::string client;  // GUID
  bool confirm = false;
  bool gone = false;  // its host is: watched directories are not asked
};

// `audit`.
struct AuditRequest {
  KeepingOptions common;  // with a state directory
  bool repair = false;
};

// `takeover`.
struct TakeoverRequest {
  StoreOptions store;
  std::vector<std::filesystem::path> watch_dirs;  // only to find the state directory, as the daemon does
  std::filesystem::path state_dir;                // set, also where watch_dirs named it
  std::vector<std::string> clients;               // GUIDs; empty: every client that is in conflict
  bool all = false;
  bool confirm = false;
  bool without_fencing = false;  // also where the store does not honour conditional writes
  LogOptions log;
  std::filesystem::path config_file;  // empty: none
};

// `restore`, and `fork`, which is a restore for a new client.
struct RestoreRequest {
  StoreOptions store;                             // bucket is set, also where the operator gave a URL
  std::string replica;                            // path of the backup inside the bucket: "databases/{GUID}"
  std::string new_client;                         // GUID, for `fork`; empty: `restore`
  bool onto_backup = false;                       // `fork`: also where new_client has a backup already
  std::vector<std::filesystem::path> watch_dirs;  // `fork`: the first of them where `output` was not given
  std::filesystem::path output;                   // of `fork` too: set, and named after new_client
  bool force = false;                             // replace an existing output file
  history::RestoreTarget target;                  // neither: the newest state
  history::PriceTable prices;                     // for dry_run
  bool dry_run = false;                           // only say what would be done; `output` may be empty
  bool json = false;
  std::uint32_t parallel = 16;  // requests under way, 1 to 64
  engine::IntegrityCheck integrity_check = engine::IntegrityCheck::quick;
  LogOptions log;
  std::filesystem::path config_file;  // empty: none
};

// `verify`: one client, all of them, or a share.
struct VerifyRequest {
  StoreOptions store;   // as in RestoreRequest
  std::string replica;  // as in RestoreRequest; empty: all clients
  bool all = false;
  double sample_percent = 0;                      // 0: no sample
  std::vector<std::filesystem::path> watch_dirs;  // only to find the state directory, as the daemon does
  std::filesystem::path state_dir;                // empty: no state to compare with
  std::filesystem::path temp_dir;                 // set
  std::uint32_t parallel = 4;                     // clients at a time, 1 to 64
  engine::IntegrityCheck integrity_check = engine::IntegrityCheck::none;
  bool json = false;
  LogOptions log;
  std::filesystem::path config_file;  // empty: none
};

enum class ClientOrder : std::uint8_t { smallest, newest };

// `restore-all`.
struct RestoreAllRequest {
  StoreOptions store;
  std::filesystem::path output;  // directory, one GUID.db each
  history::RestoreTarget target;
  std::string match = "*";  // of the ids
  bool resume = false;      // files that are there are done
  ClientOrder order = ClientOrder::smallest;
  std::uint32_t parallel = 8;  // clients at a time, 1 to 64
  engine::IntegrityCheck integrity_check = engine::IntegrityCheck::quick;
  history::PriceTable prices;  // for dry_run
  bool dry_run = false;        // only say what would be done; `output` may be empty
  bool json = false;
  LogOptions log;
  std::filesystem::path config_file;  // empty: none
};

// `points`.
struct PointsRequest {
  StoreOptions store;         // as in RestoreRequest
  std::string replica;        // as in RestoreRequest
  std::uint32_t limit = 100;  // newest points to list; 0: all
  bool json = false;
  std::filesystem::path config_file;  // empty: none
  LogOptions log;
};

enum class QueryFormat : std::uint8_t { table, csv, json };

// `query`.
struct QueryRequest {
  StoreOptions store;             // as in RestoreRequest
  std::string replica;            // as in RestoreRequest
  history::RestoreTarget target;  // neither: the newest state
  std::string sql;                // "-": what standard input holds
  QueryFormat format = QueryFormat::table;
  bool stats = false;
  std::uint32_t cache_mb = 256;
  std::filesystem::path cache_dir;  // empty: nothing is kept
  std::uint32_t cache_dir_mb = 1024;
  std::filesystem::path config_file;  // empty: none
  LogOptions log;
};

}  // namespace cli
