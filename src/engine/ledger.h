// The state database (state.db in the state directory): for every client its position, TXID, database checksum and page
// index, all describing objects that the store has acknowledged. They move together in one transaction or not at all.
//
// The page index is 8 bytes per page (the LTX page checksum; 0 = unknown), kept in chunks of kChunkPages. Its XOR is
// the database checksum: a client whose recorded checksum differs is loaded as "no index" and imaged anew.
//
// SQLite in WAL mode, synchronous=NORMAL: survives a kill of the process whole; a power cut may lose the newest
// acknowledgements, which the next conditional PUT finds out (decision 0006).
//
// Thread safe; calls are serialised by a mutex and take 20 to 100 us plus the size of the delta. Errors: io or corrupt,
// naming the file; the caller keeps the client behind and tries again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/inventory.h"
#include "engine/lineage.h"
#include "engine/position.h"

namespace engine {

inline constexpr std::uint32_t kChunkPages = 256;

struct PageChecksum {
  std::uint32_t page_number;
  std::uint64_t checksum;
};

// One client's row.
struct ClientRecord {
  std::int64_t row = 0;  // key inside the state database
  base::DatabaseId id;
  std::string path;
  base::UnixMillis created{0};
  base::Txid txid;       // last acknowledged, 0: nothing stored by us yet
  base::Txid attempted;  // highest TXID whose PUT was ever started
  bool index_valid = false;
  std::uint64_t database_checksum = 0;
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;
  Position position;
  Fingerprint fingerprint;
  std::optional<base::UnixMillis> last_replicated;
  bool wal_switch_refused = false;  // the application went back from WAL once: left alone for good
  // When the file was seen to be taken away, by itself: somebody wanted that (decision 0018).
  std::optional<base::UnixMillis> removed;
};

// What an acknowledged object changes.
struct Acknowledgement {
  base::Txid txid;
  std::uint64_t database_checksum = 0;
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;     // index entries above are dropped
  std::vector<PageChecksum> pages;  // ascending
  bool replaces_index = false;      // a full image: forget every entry that is not in `pages`
  Position position;
  Fingerprint fingerprint;  // the file when the position was taken: a log goes on after a restart only beside that one
  base::UnixMillis at{0};
  std::optional<history::Object> object;  // goes into the inventory; none: it is there already
};

class Ledger {
 public:
  // Opens or creates. Throws nothing; denied or io name the directory and the -state-dir flag's remedy.
  // corrupt: the file is damaged. Looked for with SQLite's quick check unless the last stop was a clean one.
  static base::Result<std::unique_ptr<Ledger>> open(const std::filesystem::path& file);
  // Gives a damaged file and its log another name, so that a new one can begin: everything in it can be learned again
  // from the bucket and the databases, at the price of reading them. Call with nobody else at the file. Returns the new
  // name.
  static base::Result<std::filesystem::path> set_aside(const std::filesystem::path& file, base::UnixMillis now);
  ~Ledger();

  // New at each opening: what marks our objects in the bucket. A copy of the state directory that lives on elsewhere
  // has lineages of its own from its next opening on.
  [[nodiscard]] const Lineages& lineages() const { return lineages_; }
  // False after a crash of the machine: fingerprints and newest acknowledgements cannot be trusted.
  [[nodiscard]] bool trusts_fingerprints() const { return trusts_fingerprints_; }

  // Everything here describes one bucket. With another one than last time all clients start over, asking the bucket
  // where to go on. Call before clients are added.
  base::Result<> bind_to_bucket(std::string_view bucket);

  base::Result<std::vector<ClientRecord>> load_all();
  // Finds by id or creates the row, of a file that is there: it is not removed any more.
  base::Result<ClientRecord> find_or_create(const base::DatabaseId& id, const std::string& path, base::UnixMillis now);

  base::Result<> record_attempt(std::int64_t row, base::Txid txid);
  // The object's row of the inventory is part of the same transaction.
  base::Result<> acknowledge(std::int64_t row, const Acknowledgement& acknowledgement);
  // Where capture stands without a new object: nothing to upload, but the proof moved on.
  base::Result<> record_quiet(std::int64_t row, const Position& position, const Fingerprint& fingerprint);
  base::Result<> refuse_wal_switch(std::int64_t row);
  base::Result<> record_removed(std::int64_t row, base::UnixMillis at);
  base::Result<> forget_index(std::int64_t row);
  // As if nothing were known: the bucket is asked where to go on.
  base::Result<> start_over(std::int64_t row);

  // Checksums of the given pages (ascending), 0 for unknown ones.
  base::Result<std::vector<std::uint64_t>> checksums(std::int64_t row, const std::vector<std::uint32_t>& pages);
  // All of them, [0] is page 1; as long as page_count.
  base::Result<std::vector<std::uint64_t>> page_index(std::int64_t row, std::uint32_t page_count);

  // The client's row as it stands; not_found.
  base::Result<ClientRecord> find(std::int64_t row);
  base::Result<ClientRecord> find(const base::DatabaseId& id);

  // When the newest of all acknowledged objects was made; nullopt: there is none.
  base::Result<std::optional<base::UnixMillis>> newest_replication();

  // What is in the bucket. Lives as long as the ledger.
  [[nodiscard]] InventoryTable& inventory();

  // Facts that are found out once, such as what a store can do. Empty if never remembered.
  base::Result<std::string> recall(std::string_view name);
  base::Result<> remember(std::string_view name, std::string_view value);

  // Lets go of cached pages of the state database; the next use reads them again. After a burst of work.
  void release_cache();

  // A clean stop: the next start trusts what is recorded, even after a reboot.
  base::Result<> mark_clean();

 private:
  struct Database;
  Ledger();
  base::Result<> prepare();
  base::Result<> check_structure();
  base::Result<> begin_lineage();
  base::Result<> write_chunks(std::int64_t row, const Acknowledgement& acknowledgement);

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
  Lineages lineages_;
  bool trusts_fingerprints_ = false;
};

}  // namespace engine
