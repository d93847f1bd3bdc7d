#include "application.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "vfs.h"

namespace simulation {

namespace {

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS head(id INTEGER PRIMARY KEY, number INTEGER, chain INTEGER, total INTEGER);"
    "CREATE TABLE IF NOT EXISTS rows(k INTEGER PRIMARY KEY, v BLOB);"
    "INSERT OR IGNORE INTO head VALUES(1, 0, 0, 0);";

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

std::uint64_t row_hash(std::int64_t key, base::ByteView bytes) {
  std::uint64_t hash = mixed(static_cast<std::uint64_t>(key));
  for (const std::uint8_t b : bytes) hash = (hash ^ b) * 1099511628211ULL;
  return mixed(hash);
}

struct Head {
  std::uint64_t number = 0, chain = 0, total = 0;
};

std::uint64_t chained(const Head& before, std::uint64_t total) {
  return mixed(before.chain ^ mixed(before.number + 1) ^ mixed(total));
}

Statement prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v2(db, sql, -1, &raw, nullptr);
  return Statement(raw);
}

std::uint64_t total_of_rows(sqlite3* db, bool& read) {
  std::uint64_t total = 0;
  const Statement s = prepare(db, "SELECT k, v FROM rows");
  int code = SQLITE_ERROR;
  while (s != nullptr && (code = sqlite3_step(s.get())) == SQLITE_ROW) {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(s.get(), 1));
    total +=
        row_hash(sqlite3_column_int64(s.get(), 0), {bytes, static_cast<std::size_t>(sqlite3_column_bytes(s.get(), 1))});
  }
  read = code == SQLITE_DONE;
  return total;
}

std::optional<Head> read_head(sqlite3* db) {
  const Statement s = prepare(db, "SELECT number, chain, total FROM head WHERE id=1");
  if (s == nullptr || sqlite3_step(s.get()) != SQLITE_ROW) return std::nullopt;
  const auto column = [&](int i) { return static_cast<std::uint64_t>(sqlite3_column_int64(s.get(), i)); };
  return Head{column(0), column(1), column(2)};
}

class Application {
 public:
  Application(Process& process, const std::string& database, const ApplicationPlan& plan, ApplicationCounts& counts)
      : process_(process), database_(database), plan_(plan), counts_(counts) {}

  void run() {
    for (int done = 0; done < plan_.transactions && !process_.dead; ++done) {
      if (db_ == nullptr && !open()) {
        World::current().let_pass(random().between(kMilli, 30 * kMilli));
        continue;
      }
      act();
      pause();
    }
    db_.reset();
  }

 private:
  static Random& random() { return World::current().random(); }

  // Runs statements; what goes wrong is counted, and what went wrong because of us is a violation.
  int execute(const std::string& sql) {
    process_.stopped_by_us = false;
    const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code == SQLITE_OK || process_.dead) return code;
    ++counts_.errors;
    if ((code & 0xff) == SQLITE_BUSY) {
      ++counts_.busy;
      if (process_.stopped_by_us) {
        World::current().violation(process_.name + " got SQLITE_BUSY because of a lock of the daemon: " + sql);
      }
    }
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
      World::current().violation(process_.name + " found its database damaged: " + sqlite3_errmsg(db_.get()));
    }
    return code;
  }

  bool open() {
    ++counts_.opens;
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(database_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    db_.reset(raw);
    if (code != SQLITE_OK) return fail();
    sqlite3_busy_timeout(raw, plan_.busy_timeout_ms);
    std::string sql = fmt::format("PRAGMA page_size={}; PRAGMA synchronous={}; PRAGMA wal_autocheckpoint={};",
                                  plan_.page_size, plan_.synchronous, plan_.autocheckpoint);
    if (plan_.cache_pages > 0) sql += fmt::format("PRAGMA cache_size={};", plan_.cache_pages);
    sql += plan_.wal ? "PRAGMA journal_mode=WAL;" : "";
    if (!plan_.wal && plan_.journal != "DELETE" && !is_wal()) sql += "PRAGMA journal_mode=" + plan_.journal + ";";
    return execute(sql + "BEGIN IMMEDIATE;" + kSchema + "COMMIT") == SQLITE_OK || fail();
  }

  // An application that somebody switched to WAL leaves it at that.
  bool is_wal() {
    const Statement s = prepare(db_.get(), "PRAGMA journal_mode");
    return s != nullptr && sqlite3_step(s.get()) == SQLITE_ROW &&
           std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(s.get(), 0))) == "wal";
  }

  bool fail() {
    db_.reset();
    return false;
  }

  void act() {
    const double what = random().unit();
    double at = plan_.checkpoint;
    if (what < at) return checkpoint();
    if (what < (at += plan_.reopen)) {
      db_.reset();
      return;
    }
    if (what < (at += plan_.vacuum)) {
      ++counts_.vacuums;
      execute("VACUUM");
      return;
    }
    if (what < (at += plan_.change_mode)) {
      execute(std::string("PRAGMA journal_mode=") + (random().chance(0.5) ? "WAL" : "DELETE"));
      // SQLite (3.53.2 too) may keep pages from before the switch in its cache and write over others' commits with
      // them.
      db_.reset();
      return;
    }
    if (what < (at += plan_.read)) {
      execute("SELECT count(*), sum(length(v)) FROM rows");
      return;
    }
    transaction();
  }

  void checkpoint() {
    static constexpr const char* kModes[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    ++counts_.checkpoints;
    execute(std::string("PRAGMA wal_checkpoint(") + kModes[random().below(4)] + ")");
  }

  void transaction() {
    if (execute("BEGIN IMMEDIATE") != SQLITE_OK) return give_up();
    const auto head = read_head(db_.get());
    if (!head) return give_up();
    std::uint64_t total = head->total;
    if (random().chance(0.05) && !looks_whole(total)) return give_up();
    const bool large = random().chance(plan_.large);
    const int rows =
        large ? static_cast<int>(random().between(20, 60)) : static_cast<int>(random().between(1, plan_.rows_max));
    for (int i = 0; i < rows; ++i) {
      if (!change_row(total)) return give_up();
    }
    if (random().chance(plan_.rollback)) {
      ++counts_.rollbacks;
      return give_up();
    }
    const Statement s = prepare(db_.get(), "UPDATE head SET number=?1, chain=?2, total=?3 WHERE id=1");
    if (s == nullptr) return give_up();
    sqlite3_bind_int64(s.get(), 1, static_cast<std::int64_t>(head->number + 1));
    sqlite3_bind_int64(s.get(), 2, static_cast<std::int64_t>(chained(*head, total)));
    sqlite3_bind_int64(s.get(), 3, static_cast<std::int64_t>(total));
    if (sqlite3_step(s.get()) != SQLITE_DONE) return give_up();
    sqlite3_reset(s.get());
    if (execute("COMMIT") != SQLITE_OK) return give_up();
    ++counts_.transactions;
  }

  bool looks_whole(std::uint64_t total) {
    bool read = false;
    const std::uint64_t found = total_of_rows(db_.get(), read);
    if (read && found != total && !process_.dead) {
      World::current().violation(process_.name + " finds other rows than its last transaction left");
    }
    return read;
  }

  void give_up() {
    if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    if (random().chance(0.1)) db_.reset();
  }

  // Inserts, replaces or deletes one row, keeping the sum.
  bool change_row(std::uint64_t& total) {
    const std::int64_t key = random().between(1, 60);
    const Statement old = prepare(db_.get(), "SELECT v FROM rows WHERE k=?1");
    if (old == nullptr) return false;
    sqlite3_bind_int64(old.get(), 1, key);
    const int found = sqlite3_step(old.get());
    if (found != SQLITE_ROW && found != SQLITE_DONE) return false;
    if (found == SQLITE_ROW) {
      const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(old.get(), 0));
      total -= row_hash(key, {bytes, static_cast<std::size_t>(sqlite3_column_bytes(old.get(), 0))});
    }
    sqlite3_reset(old.get());
    const bool remove = random().chance(0.2);
    const Statement change =
        prepare(db_.get(), remove ? "DELETE FROM rows WHERE k=?1" : "INSERT OR REPLACE INTO rows(k, v) VALUES(?1, ?2)");
    if (change == nullptr) return false;
    sqlite3_bind_int64(change.get(), 1, key);
    if (!remove) {
      base::Bytes value(static_cast<std::size_t>(random().between(1, plan_.bytes_max)));
      for (std::size_t i = 0; i < value.size(); i += 8) value[i] = static_cast<std::uint8_t>(random().next());
      total += row_hash(key, value);
      sqlite3_bind_blob(change.get(), 2, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    }
    return sqlite3_step(change.get()) == SQLITE_DONE;
  }

  void pause() {
    Nanos time = random().between(0, 200 * kMicro);
    if (random().chance(plan_.pause_short)) time = random().between(0, 40 * kMilli);
    if (random().chance(plan_.pause_long)) time = random().between(0, plan_.long_pause);
    World::current().let_pass(time);
  }

  Process& process_;
  const std::string& database_;
  const ApplicationPlan& plan_;
  ApplicationCounts& counts_;
  Handle db_;
};

std::string first_text(sqlite3* db, const char* sql) {
  const Statement s = prepare(db, sql);
  if (s == nullptr || sqlite3_step(s.get()) != SQLITE_ROW) return sqlite3_errmsg(db);
  return reinterpret_cast<const char*>(sqlite3_column_text(s.get(), 0));
}

}  // namespace

void run_application(Process& process, const std::string& database, const ApplicationPlan& plan,
                     ApplicationCounts& counts) {
  Application(process, database, plan, counts).run();
}

std::string examine(const std::string& database) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(database.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  const Handle db(raw);
  if (code != SQLITE_OK) return "it cannot be opened";
  if (const std::string check = first_text(raw, "PRAGMA integrity_check"); check != "ok") return check;
  if (first_text(raw, "SELECT count(*) FROM sqlite_schema WHERE name='head'") != "1") return {};
  const auto head = read_head(raw);
  if (!head) return {};
  bool read = false;
  const std::uint64_t total = total_of_rows(raw, read);
  if (!read || total != head->total) return "its rows are not those that its last transaction left";
  return {};
}

}  // namespace simulation
