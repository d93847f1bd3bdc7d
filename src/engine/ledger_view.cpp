#include "engine/ledger_view.h"

#include <cstdlib>
#include <unordered_set>
#include <utility>

#include "sqlite/connection.h"

namespace engine {

namespace {

base::Txid txid_of(const sqlite::Statement& row, int column) {
  return base::Txid{static_cast<std::uint64_t>(row.integer(column))};
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
    KnownClient client{base::DatabaseId{std::string(clients.text(0))},
                       std::string(clients.text(1)),
                       txid_of(clients, 2),
                       txid_of(clients, 3),
                       {}};
    if (!clients.is_null(4)) client.last_replicated = base::UnixMillis{clients.integer(4)};
    view.clients.push_back(std::move(client));
  }
  return view;
}

}  // namespace

base::Result<LedgerView> read_ledger(const std::filesystem::path& file) {
  auto db = sqlite::Connection::open(file, sqlite::OpenMode::read_only, {std::chrono::milliseconds(5000), 0});
  if (!db) return base::fail(db.error().with_context("state database " + file.string()));
  auto view = read(*db);
  if (!view) return base::fail(view.error().with_context("state database " + file.string()));
  return view;
}

}  // namespace engine
