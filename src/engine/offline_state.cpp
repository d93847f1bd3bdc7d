#include "engine/offline_state.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "os/file.h"
#include "sqlite/connection.h"

namespace engine {
namespace {

constexpr std::chrono::milliseconds kOthersWork{5000};  // a command that reads

// In one synced transaction; `?1` is the client's row.
base::Result<> change_client(const std::filesystem::path& file, const base::DatabaseId& id,
                             std::span<const std::string_view> statements) {
  TRY_ASSIGN(auto db, sqlite::Connection::open(file, sqlite::OpenMode::read_write, {kOthersWork, 0}));
  TRY(db.execute("PRAGMA synchronous=FULL"));
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(db));
  TRY_ASSIGN(auto client, db.prepare("SELECT row FROM clients WHERE client_id=?1 COLLATE NOCASE "
                                     "ORDER BY client_id=?1 DESC LIMIT 1"));
  client.bind(1, std::string_view(id.value));
  TRY_ASSIGN(const bool known, client.step());
  if (!known) return {};
  const std::int64_t row = client.integer(0);
  client.reset();
  for (const std::string_view text : statements) {
    TRY_ASSIGN(auto statement, db.prepare(text));
    TRY(statement.bind(1, row).run());
  }
  return transaction.commit();
}

base::Result<> change_state(const std::filesystem::path& state_directory, const base::DatabaseId& id,
                            std::span<const std::string_view> statements) {
  const std::filesystem::path file = state_directory / "state.db";
  auto changed = change_client(file, id, statements);
  if (!changed) return base::fail(changed.error().with_context("state database " + file.string()));
  return changed;
}

}  // namespace

base::Result<> forget_backup(const std::filesystem::path& state_directory, const base::DatabaseId& id) {
  for (const char* part : {"cache.db", "cache.db-wal", "cache.db-shm"}) {
    auto gone = os::remove_file(state_directory / part);
    if (!gone && gone.error().category != base::Category::not_found) return gone;
  }
  // In this order: rows of `held` follow those of `objects` by triggers.
  // What this host had stored stays known until the client's row goes, for a purge that is repeated.
  constexpr auto kForget = std::to_array<std::string_view>(
      {"INSERT INTO meta(name, value) SELECT 'purging '||client_id, attempted FROM clients WHERE row=?1 AND "
       "attempted<>0 "
       "ON CONFLICT(name) DO UPDATE SET value=excluded.value",
       "DELETE FROM objects WHERE client=?1", "DELETE FROM held WHERE client=?1", "DELETE FROM upkeep WHERE client=?1",
       "DELETE FROM page_index WHERE client=?1",
       "UPDATE clients SET txid=0, attempted=0, index_valid=0, position='none', fingerprint='', "
       "last_replicated_ms=NULL WHERE row=?1"});
  return change_state(state_directory, id, kForget);
}

base::Result<> forget_client(const std::filesystem::path& state_directory, const base::DatabaseId& id) {
  constexpr auto kForget = std::to_array<std::string_view>(
      {"DELETE FROM meta WHERE name=(SELECT 'purging '||client_id FROM clients WHERE row=?1)",
       "DELETE FROM clients WHERE row=?1"});
  return change_state(state_directory, id, kForget);
}

base::Result<> distrust_inventory(const std::filesystem::path& state_directory, const base::DatabaseId& id) {
  constexpr auto kDistrust = std::to_array<std::string_view>(
      {"DELETE FROM objects WHERE client=?1 AND state=0", "UPDATE upkeep SET known=0 WHERE client=?1"});
  return change_state(state_directory, id, kDistrust);
}

}  // namespace engine
