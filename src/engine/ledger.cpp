#include "engine/ledger.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/random.h"
#include "os/file.h"
#include "sqlite/connection.h"

namespace engine {

namespace {

// 2: objects in the bucket are recorded; a release that does not do so must not go on with the file.
constexpr int kSchemaVersion = 2;
constexpr int kCacheKib = 1024;

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lineages(id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS clients(
  row INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, created_ms INTEGER NOT NULL,
  txid INTEGER NOT NULL DEFAULT 0, attempted INTEGER NOT NULL DEFAULT 0, index_valid INTEGER NOT NULL DEFAULT 0,
  database_checksum INTEGER NOT NULL DEFAULT 0, page_size INTEGER NOT NULL DEFAULT 0,
  page_count INTEGER NOT NULL DEFAULT 0, position TEXT NOT NULL DEFAULT 'none', fingerprint TEXT NOT NULL DEFAULT '',
  last_replicated_ms INTEGER, wal_switch_refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS page_index(
  client INTEGER NOT NULL, chunk INTEGER NOT NULL, checksums BLOB NOT NULL, PRIMARY KEY(client, chunk)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removals(client INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL);
)sql";

constexpr char kColumns[] =
    "row, client_id, path, created_ms, txid, attempted, index_valid, database_checksum, page_size, page_count, "
    "position, "
    "fingerprint, last_replicated_ms, wal_switch_refused, (SELECT at_ms FROM removals WHERE client=clients.row)";

ClientRecord record_from(const sqlite::Statement& s) {
  ClientRecord r;
  r.row = s.integer(0);
  r.id = base::DatabaseId{std::string(s.text(1))};
  r.path = s.text(2);
  r.created = base::UnixMillis{s.integer(3)};
  r.txid = base::Txid{static_cast<std::uint64_t>(s.integer(4))};
  r.attempted = base::Txid{static_cast<std::uint64_t>(s.integer(5))};
  r.index_valid = s.integer(6) != 0;
  r.database_checksum = static_cast<std::uint64_t>(s.integer(7));
  r.page_size = static_cast<std::uint32_t>(s.integer(8));
  r.page_count = static_cast<std::uint32_t>(s.integer(9));
  r.position = parse_position(std::string(s.text(10))).value_or(Position{});
  r.fingerprint = parse_fingerprint(std::string(s.text(11))).value_or(Fingerprint{});
  if (!s.is_null(12)) r.last_replicated = base::UnixMillis{s.integer(12)};
  r.wal_switch_refused = s.integer(13) != 0;
  if (!s.is_null(14)) r.removed = base::UnixMillis{s.integer(14)};
  return r;
}

std::int64_t as_signed(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}

}  // namespace

struct Ledger::Database {
  Database(sqlite::Connection opened, std::filesystem::path path, std::mutex& mutex)
      : connection(std::move(opened)), file(std::move(path)), inventory(connection, mutex) {}

  sqlite::Connection connection;
  std::filesystem::path file;
  InventoryTable inventory;

  base::Result<std::string> meta(std::string_view name) {
    TRY_ASSIGN(auto s, connection.prepare("SELECT value FROM meta WHERE name=?1"));
    s.bind(1, name);
    TRY_ASSIGN(const bool found, s.step());
    return found ? std::string(s.text(0)) : std::string();
  }
  base::Result<> set_meta(std::string_view name, std::string_view value) {
    TRY_ASSIGN(auto s,
               connection.prepare("INSERT INTO meta VALUES(?1,?2) ON CONFLICT DO UPDATE SET value=excluded.value"));
    s.bind(1, name).bind(2, value);
    return s.run();
  }
  // Empty if there is no such chunk.
  base::Result<base::Bytes> chunk(std::int64_t client, std::int64_t number) {
    TRY_ASSIGN(auto s, connection.prepare("SELECT checksums FROM page_index WHERE client=?1 AND chunk=?2"));
    s.bind(1, client).bind(2, number);
    TRY_ASSIGN(const bool found, s.step());
    if (!found) return base::Bytes{};
    const base::ByteView blob = s.blob(0);
    if (blob.size() != kChunkPages * 8) return base::fail(base::Category::corrupt, "state database: odd page index");
    return base::Bytes(blob.begin(), blob.end());
  }
};

Ledger::Ledger() = default;
Ledger::~Ledger() = default;

InventoryTable& Ledger::inventory() {
  return database_->inventory;
}

base::Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& file) {
  auto connection =
      sqlite::Connection::open(file, sqlite::OpenMode::read_write_create, {std::chrono::milliseconds(5000), kCacheKib});
  if (!connection) return base::fail(connection.error().with_context("state database " + file.string()));
  std::unique_ptr<Ledger> ledger(new Ledger);
  ledger->database_ = std::make_unique<Database>(std::move(*connection), file, ledger->mutex_);
  if (auto prepared = ledger->prepare(); !prepared) {
    return base::fail(prepared.error().with_context("state database " + file.string()));
  }
  return ledger;
}

base::Result<std::filesystem::path> Ledger::set_aside(const std::filesystem::path& file, base::UnixMillis now) {
  std::filesystem::path kept = fmt::format("{}.damaged-{}", file.string(), now.count());
  TRY(os::rename_file(file, kept));
  for (const char* part : {"-wal", "-shm"}) {
    if (auto moved = os::rename_file(file.string() + part, kept.string() + part);
        !moved && moved.error().category != base::Category::not_found) {
      return base::fail(moved.error());
    }
  }
  return kept;
}

base::Result<> Ledger::prepare() {
  Database& db = *database_;
  TRY(db.connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=OFF"));
  TRY_ASSIGN(const std::int64_t version, db.connection.query_integer("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return base::fail(
        base::Category::unsupported,
        fmt::format("written by a newer release (schema {}, this one knows {}); use that release or another "
                    "-state-dir",
                    version, kSchemaVersion));
  }
  TRY(db.connection.execute(kSchema));
  TRY(db.inventory.prepare());
  TRY_ASSIGN(const std::string clean, db.meta("clean"));
  // Damage that shows only when somebody's row is read would leave that client behind for ever.
  if (clean != "1") TRY(check_structure());
  TRY(db.connection.execute(fmt::format("PRAGMA user_version={}", kSchemaVersion)));
  TRY(begin_lineage());
  TRY_ASSIGN(const std::string boot, db.meta("boot_id"));
  const std::string boot_now = os::boot_id();
  trusts_fingerprints_ = clean == "1" || (!boot_now.empty() && boot == boot_now);
  TRY(db.set_meta("clean", "0"));
  TRY(db.set_meta("boot_id", boot_now));
  // Synced before anything is stored under this lineage: after a power cut its objects must still be known as ours, and
  // this start as one that was not followed by a clean stop.
  return db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

base::Result<> Ledger::check_structure() {
  TRY_ASSIGN(auto check, database_->connection.prepare("PRAGMA quick_check(1)"));
  TRY_ASSIGN(const bool answered, check.step());
  if (!answered) return base::fail(base::Category::corrupt, "its quick check gave no answer");
  if (const std::string found(check.text(0)); found != "ok") return base::fail(base::Category::corrupt, found);
  return {};
}

base::Result<> Ledger::begin_lineage() {
  std::unordered_set<std::uint64_t> earlier;
  TRY_ASSIGN(auto known, database_->connection.prepare("SELECT id FROM lineages"));
  for (;;) {
    TRY_ASSIGN(const bool row, known.step());
    if (!row) break;
    earlier.insert(static_cast<std::uint64_t>(known.integer(0)));
  }
  TRY_ASSIGN(std::string directory, database_->meta("directory"));
  if (directory.empty()) {
    directory = std::to_string((base::random_u64() >> Lineages::kRunBits) | 1);
    TRY(database_->set_meta("directory", directory));
  }
  lineages_ = Lineages(std::strtoull(directory.c_str(), nullptr, 10), std::move(earlier));
  TRY_ASSIGN(auto s, database_->connection.prepare("INSERT INTO lineages VALUES(?1)"));
  return s.bind(1, as_signed(lineages_.begin(base::random_u64()))).run();
}

base::Result<> Ledger::bind_to_bucket(std::string_view bucket) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(const std::string bound, database_->meta("bucket"));
  if (bound == bucket) return {};
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(database_->connection));
  TRY(database_->connection.execute(
      "UPDATE clients SET txid=0, attempted=0, index_valid=0, position='none', fingerprint='', last_replicated_ms=NULL;"
      "DELETE FROM page_index; DELETE FROM meta WHERE name LIKE 'purging %'"));
  TRY(database_->inventory.forget_everything_in_transaction());
  TRY(database_->set_meta("bucket", bucket));
  return transaction.commit();
}

base::Result<std::vector<ClientRecord>> Ledger::load_all() {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare(fmt::format("SELECT {} FROM clients", kColumns)));
  std::vector<ClientRecord> records;
  for (;;) {
    TRY_ASSIGN(const bool row, s.step());
    if (!row) return records;
    records.push_back(record_from(s));
    if (!trusts_fingerprints_) records.back().fingerprint = {};
  }
}

base::Result<ClientRecord> Ledger::find_or_create(const base::DatabaseId& id, const std::string& path,
                                                  base::UnixMillis now) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto insert,
             database_->connection.prepare("INSERT INTO clients(client_id,path,created_ms) VALUES(?1,?2,?3) "
                                           "ON CONFLICT(client_id) DO UPDATE SET path=excluded.path"));
  insert.bind(1, id.value).bind(2, path).bind(3, now.count());
  TRY(insert.run());
  TRY_ASSIGN(auto present, database_->connection.prepare(
                               "DELETE FROM removals WHERE client=(SELECT row FROM clients WHERE client_id=?1)"));
  TRY(present.bind(1, id.value).run());
  TRY_ASSIGN(auto s, database_->connection.prepare(fmt::format("SELECT {} FROM clients WHERE client_id=?1", kColumns)));
  s.bind(1, id.value);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return base::fail(base::Category::corrupt, "state database: a row vanished");
  ClientRecord record = record_from(s);
  if (!trusts_fingerprints_) record.fingerprint = {};
  return record;
}

base::Result<> Ledger::record_attempt(std::int64_t row, base::Txid txid) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("UPDATE clients SET attempted=?2 WHERE row=?1"));
  s.bind(1, row).bind(2, as_signed(txid.value));
  return s.run();
}

base::Result<> Ledger::acknowledge(std::int64_t row, const Acknowledgement& ack) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(database_->connection));
  TRY_ASSIGN(auto s,
             database_->connection.prepare(
                 "UPDATE clients SET txid=?2, attempted=max(attempted,?2), index_valid=1, database_checksum=?3, "
                 "page_size=?4, page_count=?5, position=?6, fingerprint=?8, last_replicated_ms=?7 WHERE row=?1"));
  s.bind(1, row).bind(2, as_signed(ack.txid.value)).bind(3, as_signed(ack.database_checksum));
  s.bind(4, std::int64_t{ack.page_size}).bind(5, std::int64_t{ack.page_count}).bind(6, to_text(ack.position));
  s.bind(7, ack.at.count()).bind(8, to_text(ack.fingerprint));
  TRY(s.run());
  TRY(write_chunks(row, ack));
  if (ack.object) TRY(database_->inventory.add_in_transaction(row, *ack.object));
  return transaction.commit();
}

base::Result<> Ledger::write_chunks(std::int64_t row, const Acknowledgement& ack) {
  sqlite::Connection& db = database_->connection;
  // Chunks that are wholly above the new size go; the one that the size cuts has its tail zeroed below.
  const std::int64_t first_dropped =
      ack.replaces_index ? 0 : (std::int64_t{ack.page_count} + kChunkPages - 1) / kChunkPages;
  TRY_ASSIGN(auto drop, db.prepare("DELETE FROM page_index WHERE client=?1 AND chunk>=?2"));
  drop.bind(1, row).bind(2, first_dropped);
  TRY(drop.run());
  TRY_ASSIGN(
      auto write,
      db.prepare("INSERT INTO page_index VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET checksums=excluded.checksums"));
  base::Bytes chunk;
  const auto store = [&](std::int64_t number) -> base::Result<> {
    const std::int64_t entries = std::clamp<std::int64_t>(ack.page_count - number * kChunkPages, 0, kChunkPages);
    std::fill(chunk.begin() + entries * 8, chunk.end(), std::uint8_t{0});
    write.bind(1, row).bind(2, number).bind(3, base::ByteView(chunk));
    return write.run();
  };
  std::int64_t current = -1;
  const auto turn_to = [&](std::int64_t number) -> base::Result<> {
    if (number == current) return {};
    if (current >= 0) TRY(store(current));
    current = number;
    if (number < 0) return {};
    TRY_ASSIGN(chunk, database_->chunk(row, number));
    chunk.resize(kChunkPages * 8);
    return {};
  };
  for (const PageChecksum& page : ack.pages) {
    TRY(turn_to((page.page_number - 1) / kChunkPages));
    base::store_be64(chunk.data() + std::size_t{(page.page_number - 1) % kChunkPages} * 8, page.checksum);
  }
  const std::int64_t cut = ack.page_count / kChunkPages;
  if (!ack.replaces_index && ack.page_count % kChunkPages != 0 && cut != current) TRY(turn_to(cut));
  return turn_to(-1);
}

base::Result<> Ledger::record_quiet(std::int64_t row, const Position& position, const Fingerprint& fingerprint) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("UPDATE clients SET position=?2, fingerprint=?3 WHERE row=?1"));
  s.bind(1, row).bind(2, to_text(position)).bind(3, to_text(fingerprint));
  return s.run();
}

base::Result<> Ledger::refuse_wal_switch(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("UPDATE clients SET wal_switch_refused=1 WHERE row=?1"));
  return s.bind(1, row).run();
}

base::Result<> Ledger::record_removed(std::int64_t row, base::UnixMillis at) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("INSERT OR REPLACE INTO removals VALUES(?1,?2)"));
  return s.bind(1, row).bind(2, at.count()).run();
}

base::Result<> Ledger::forget_index(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("UPDATE clients SET index_valid=0 WHERE row=?1"));
  return s.bind(1, row).run();
}

base::Result<> Ledger::start_over(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(database_->connection));
  TRY_ASSIGN(auto s, database_->connection.prepare("UPDATE clients SET txid=0, attempted=0, index_valid=0, "
                                                   "position='none', fingerprint='' WHERE row=?1"));
  TRY(s.bind(1, row).run());
  TRY_ASSIGN(auto drop, database_->connection.prepare("DELETE FROM page_index WHERE client=?1"));
  TRY(drop.bind(1, row).run());
  return transaction.commit();
}

base::Result<std::vector<std::uint64_t>> Ledger::checksums(std::int64_t row, const std::vector<std::uint32_t>& pages) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> result;
  result.reserve(pages.size());
  std::int64_t current = -1;
  base::Bytes chunk;
  for (const std::uint32_t page : pages) {
    const std::int64_t number = (page - 1) / kChunkPages;
    if (number != current) {
      TRY_ASSIGN(chunk, database_->chunk(row, number));
      current = number;
    }
    result.push_back(chunk.empty() ? 0 : base::load_be64(chunk.data() + std::size_t{(page - 1) % kChunkPages} * 8));
  }
  return result;
}

base::Result<std::vector<std::uint64_t>> Ledger::page_index(std::int64_t row, std::uint32_t page_count) {
  std::vector<std::uint32_t> pages(page_count);
  for (std::uint32_t i = 0; i < page_count; ++i) pages[i] = i + 1;
  return checksums(row, pages);
}

base::Result<ClientRecord> Ledger::find(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare(fmt::format("SELECT {} FROM clients WHERE row=?1", kColumns)));
  s.bind(1, row);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return base::fail(base::Category::not_found, fmt::format("state database: no client {}", row));
  return record_from(s);
}

base::Result<ClientRecord> Ledger::find(const base::DatabaseId& id) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare(fmt::format("SELECT {} FROM clients WHERE client_id=?1", kColumns)));
  s.bind(1, id.value);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return base::fail(base::Category::not_found, fmt::format("state database: no client {}", id.value));
  return record_from(s);
}

base::Result<std::optional<base::UnixMillis>> Ledger::newest_replication() {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, database_->connection.prepare("SELECT max(last_replicated_ms) FROM clients"));
  TRY_ASSIGN(const bool found, s.step());
  if (!found || s.is_null(0)) return std::nullopt;
  return base::UnixMillis{s.integer(0)};
}

base::Result<std::string> Ledger::recall(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  return database_->meta(name);
}

base::Result<> Ledger::remember(std::string_view name, std::string_view value) {
  const std::scoped_lock lock(mutex_);
  return database_->set_meta(name, value);
}

void Ledger::release_cache() {
  const std::scoped_lock lock(mutex_);
  database_->connection.release_cache();
}

base::Result<> Ledger::mark_clean() {
  const std::scoped_lock lock(mutex_);
  TRY(database_->set_meta("clean", "1"));
  return database_->connection.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace engine
