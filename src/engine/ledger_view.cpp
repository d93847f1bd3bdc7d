#include "engine/ledger_view.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <unordered_set>
#include <utility>

#include "sqlite/connection.h"

namespace engine {

namespace {

base::Txid txid_of(const sqlite::Statement& row, int column) {
  return base::Txid{static_cast<std::uint64_t>(row.integer(column))};
}

// Columns client_id, path, txid, attempted, last_replicated_ms.
KnownClient known_client(const sqlite::Statement& row) {
  KnownClient client{
      base::DatabaseId{std::string(row.text(0))}, std::string(row.text(1)), txid_of(row, 2), txid_of(row, 3), {}};
  if (!row.is_null(4)) client.last_replicated = base::UnixMillis{row.integer(4)};
  return client;
}

base::Result<LedgerView> read(sqlite::Connection& db) {
  LedgerView view;
  TRY(db.execute("BEGIN"));  // one moment; ends with the connection
  TRY_ASSIGN(auto facts, db.prepare("SELECT name, value FROM meta"));
  for (;;) {
    TRY_ASSIGN(const bool row, facts.step());
    if (!row) break;
    view.facts.emplace(facts.text(0), facts.text(1));
  }
  std::unordered_set<std::uint64_t> known;
  TRY_ASSIGN(auto lineages, db.prepare("SELECT id FROM lineages"));
  for (;;) {
    TRY_ASSIGN(const bool row, lineages.step());
    if (!row) break;
    known.insert(static_cast<std::uint64_t>(lineages.integer(0)));
  }
  view.lineages = Lineages(std::strtoull(view.facts["directory"].c_str(), nullptr, 10), std::move(known));
  TRY_ASSIGN(auto clients, db.prepare("SELECT client_id, path, txid, attempted, last_replicated_ms FROM clients "
                                      "ORDER BY client_id"));
  for (;;) {
    TRY_ASSIGN(const bool row, clients.step());
    if (!row) break;
    view.clients.push_back(known_client(clients));
  }
  return view;
}

base::Result<std::vector<storage::LtxName>> unsettled_objects(sqlite::Connection& db, std::int64_t row) {
  std::vector<storage::LtxName> names;
  TRY_ASSIGN(auto rows, db.prepare("SELECT level, min, max FROM objects WHERE client=?1 AND state<>0"));
  rows.bind(1, row);
  for (;;) {
    TRY_ASSIGN(const bool found, rows.step());
    if (!found) return names;
    names.push_back({base::Level{static_cast<std::uint8_t>(rows.integer(0))}, txid_of(rows, 1), txid_of(rows, 2)});
  }
}

base::Result<std::vector<history::Object>> present_objects(sqlite::Connection& db, std::int64_t row) {
  std::vector<history::Object> objects;
  TRY_ASSIGN(auto rows, db.prepare("SELECT level, min, max, size FROM objects WHERE client=?1 AND state=0"));
  rows.bind(1, row);
  for (;;) {
    TRY_ASSIGN(const bool found, rows.step());
    if (!found) return objects;
    objects.push_back({.min = txid_of(rows, 1),
                       .max = txid_of(rows, 2),
                       .size_bytes = static_cast<std::uint64_t>(rows.integer(3)),
                       .level = base::Level{static_cast<std::uint8_t>(rows.integer(0))}});
  }
}

base::Result<std::optional<RecordedBackup>> read_recorded(sqlite::Connection& db, const base::DatabaseId& id) {
  TRY_ASSIGN(auto client,
             db.prepare("SELECT client_id, path, txid, attempted, last_replicated_ms, index_valid, database_checksum, "
                        "row, (SELECT known FROM upkeep WHERE client=clients.row) FROM clients "
                        "WHERE row=(SELECT row FROM clients WHERE client_id=?1 UNION ALL "
                        "SELECT row FROM clients WHERE client_id=?1 COLLATE NOCASE LIMIT 1)"));
  client.bind(1, std::string_view(id.value));
  TRY_ASSIGN(const bool found, client.step());
  if (!found) return std::nullopt;
  RecordedBackup recorded{.client = known_client(client), .database_checksum = 0, .objects = {}};
  if (client.integer(5) != 0) recorded.database_checksum = static_cast<std::uint64_t>(client.integer(6));
  TRY_ASSIGN(recorded.unsettled, unsettled_objects(db, client.integer(7)));
  if (client.integer(8) != 0) {
    TRY_ASSIGN(recorded.objects, present_objects(db, client.integer(7)));
  }
  return recorded;
}

}  // namespace

base::Txid LedgerView::last_attempt(const KnownClient& client) const {
  const base::Txid last = std::max(client.txid, client.attempted);
  const auto purging = last.value == 0 ? facts.find("purging " + client.id.value) : facts.end();
  return purging == facts.end() ? last : base::Txid{std::strtoull(purging->second.c_str(), nullptr, 10)};
}

bool RecordedBackup::has(const storage::LtxName& name) const {
  return objects && std::ranges::any_of(*objects, [&](const auto& object) { return history::name_of(object) == name; });
}

base::Result<std::optional<RecordedBackup>> read_recorded_backup(const std::filesystem::path& file,
                                                                 const base::DatabaseId& id) {
  TRY_ASSIGN(RecordedBackups backups, RecordedBackups::open(file));
  return backups.find(id);
}

RecordedBackups::RecordedBackups(std::filesystem::path file, std::unique_ptr<sqlite::Connection> connection)
    : file_(std::move(file)), connection_(std::move(connection)) {}
RecordedBackups::RecordedBackups(RecordedBackups&&) noexcept = default;
RecordedBackups::~RecordedBackups() = default;

base::Result<RecordedBackups> RecordedBackups::open(const std::filesystem::path& file) {
  auto db = sqlite::Connection::open(file, sqlite::OpenMode::read_only, {std::chrono::milliseconds(5000), 0});
  if (!db) return base::fail(db.error().with_context("state database " + file.string()));
  return RecordedBackups(file, std::make_unique<sqlite::Connection>(*std::move(db)));
}

base::Result<std::optional<RecordedBackup>> RecordedBackups::find(const base::DatabaseId& id) {
  auto begun = connection_->execute("BEGIN");  // one moment
  if (!begun) return base::fail(begun.error().with_context("state database " + file_.string()));
  auto recorded = read_recorded(*connection_, id);
  const auto ended = connection_->execute("ROLLBACK");
  if (!recorded) return base::fail(recorded.error().with_context("state database " + file_.string()));
  if (!ended) return base::fail(ended.error().with_context("state database " + file_.string()));
  return recorded;
}

base::Result<std::vector<KnownClient>> RecordedBackups::clients_above(std::string_view id, std::size_t count) {
  const auto read = [&]() -> base::Result<std::vector<KnownClient>> {
    TRY_ASSIGN(auto rows, connection_->prepare("SELECT client_id, path, txid, attempted, last_replicated_ms FROM "
                                               "clients WHERE client_id>?1 ORDER BY client_id LIMIT ?2"));
    rows.bind(1, id).bind(2, static_cast<std::int64_t>(count));
    std::vector<KnownClient> clients;
    for (;;) {
      TRY_ASSIGN(const bool row, rows.step());
      if (!row) return clients;
      clients.push_back(known_client(rows));
    }
  };
  auto clients = read();
  if (!clients) return base::fail(clients.error().with_context("state database " + file_.string()));
  return clients;
}

base::Result<LedgerView> read_ledger(const std::filesystem::path& file) {
  auto db = sqlite::Connection::open(file, sqlite::OpenMode::read_only, {std::chrono::milliseconds(5000), 0});
  if (!db) return base::fail(db.error().with_context("state database " + file.string()));
  auto view = read(*db);
  if (!view) return base::fail(view.error().with_context("state database " + file.string()));
  return view;
}

}  // namespace engine
