#include "oracle/worker/database.h"

namespace oracle {

namespace {

void require(int code, sqlite3* connection, const std::string& what) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  const std::string message =
      what.substr(0, 200) + ": " + sqlite3_errmsg(connection) + " (" + std::to_string(code) + ")";
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) throw Busy(message);
  if (primary == SQLITE_IOERR || primary == SQLITE_FULL) throw DiskFailed(message);
  throw SqliteError(message);
}

}  // namespace

Statement::Statement(sqlite3* connection, const std::string& sql) {
  sqlite3_stmt* prepared = nullptr;
  require(sqlite3_prepare_v2(connection, sql.c_str(), -1, &prepared, nullptr), connection, sql);
  statement_.reset(prepared);
}

Statement& Statement::bind(int position, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), position, value);
  return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
  sqlite3_bind_text(statement_.get(), position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(int position, const Blob& blob) {
  sqlite3_bind_blob64(statement_.get(), position, blob.data(), blob.size(), SQLITE_TRANSIENT);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  require(code, sqlite3_db_handle(statement_.get()), sqlite3_sql(statement_.get()));
  return false;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

Database::Database(const std::string& path, Mode mode, int busy_timeout_ms) {
  sqlite3* opened = nullptr;
  const bool immutable = mode == Mode::immutable;
  const int flags = immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const std::string name = immutable ? "file:" + path + "?immutable=1" : path;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags, nullptr);
  connection_.reset(opened);
  require(code, opened, "open " + path);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, busy_timeout_ms);
}

void Database::run(const std::string& sql) {
  require(sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr), connection_.get(), sql);
}

std::int64_t Database::integer(const std::string& sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(const std::string& sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.text(0) : std::string();
}

void Database::roll_back() {
  // SQLite may have rolled back by itself, and then there is nothing to do.
  if (in_transaction()) sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace oracle
