// What a state database says, read beside the daemon that owns it: for commands. Changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/lineage.h"
#include "history/object.h"

namespace sqlite {
class Connection;
}  // namespace sqlite

namespace engine {

struct KnownClient {
  base::DatabaseId id;
  std::string path;
  base::Txid txid;       // last acknowledged
  base::Txid attempted;  // above txid: an upload is under way, was refused, or its answer is not known
  std::optional<base::UnixMillis> last_replicated;
};

struct LedgerView {
  std::vector<KnownClient> clients;          // by id
  Lineages lineages;                         // all of them are earlier ones
  std::map<std::string, std::string> facts;  // "bucket", and what Ledger::remember() was told

  // The last TXID that this host tried to store, 0 if none; also while a purge that ended half way has to be repeated.
  [[nodiscard]] base::Txid last_attempt(const KnownClient& client) const;
};

// What was stored of one client, as it is recorded.
struct RecordedBackup {
  KnownClient client;
  // Of the state at client.txid; 0: not known.
  std::uint64_t database_checksum = 0;
  // Everything that is in the bucket and stays there for now; none: not known yet.
  std::optional<std::vector<history::Object>> objects;
  // What may be there: it is being written or deleted, or was when the daemon ended.
  std::vector<storage::LtxName> unsettled = {};
  [[nodiscard]] bool has(const storage::LtxName& name) const;
};

// One consistent reading; nullopt: the client is not known. Upper and lower case of `id` are the same. Errors as
// read_ledger().
base::Result<std::optional<RecordedBackup>> read_recorded_backup(const std::filesystem::path& file,
                                                                 const base::DatabaseId& id);

// The same for many clients: one connection. One thread.
class RecordedBackups {
 public:
  static base::Result<RecordedBackups> open(const std::filesystem::path& file);
  RecordedBackups(RecordedBackups&&) noexcept;
  ~RecordedBackups();
  base::Result<std::optional<RecordedBackup>> find(const base::DatabaseId& id);
  // Those with an id above this one, by id.
  base::Result<std::vector<KnownClient>> clients_above(std::string_view id, std::size_t count);

 private:
  RecordedBackups(std::filesystem::path file, std::unique_ptr<sqlite::Connection> connection);
  std::filesystem::path file_;
  std::unique_ptr<sqlite::Connection> connection_;
};

// One consistent reading. Blocks for milliseconds; 200 bytes a client. not_found: no daemon has used this directory;
// denied, io, corrupt: names the file.
base::Result<LedgerView> read_ledger(const std::filesystem::path& file);

}  // namespace engine
