#include "sqlite/connection.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <utility>

#include <sqlite3.h>

#include "sqlite/configure.h"
#include "sqlite/errors.h"

namespace sqlite {

// Thousands of short-lived connections: no memory set aside per connection, no process-wide statistics and their mutex.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
    sqlite3_initialize();
  });
}

namespace {

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read_only:
      return SQLITE_OPEN_READONLY;
    case OpenMode::read_write:
      return SQLITE_OPEN_READWRITE;
    case OpenMode::read_write_create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
  return SQLITE_OPEN_READONLY;
}

// As a file: URI, in which '?', '#' and '%' would otherwise mean something.
std::string immutable_uri(const std::filesystem::path& path) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uri = "file://";
  for (const char c : std::filesystem::absolute(path).string()) {
    const bool is_plain = c == '/' || c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
                          (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (is_plain) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

void Connection::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

base::Result<Connection> Connection::open_with(const std::string& name, int flags, const OpenOptions& options) {
  configure_once();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle db(raw);
  if (code != SQLITE_OK) {
    base::Error error = error_of(raw, code, "open " + name);
    if (raw != nullptr && code == SQLITE_CANTOPEN && sqlite3_system_errno(raw) == ENOENT) {
      error.category = base::Category::not_found;
    }
    return base::fail(std::move(error));
  }
  const auto longest = std::chrono::milliseconds{std::numeric_limits<int>::max()};
  sqlite3_busy_timeout(raw, static_cast<int>(std::min(options.busy_timeout, longest).count()));
  Connection connection(std::move(db));
  if (options.cache_kib > 0) {
    TRY(connection.execute("PRAGMA cache_size=-" + std::to_string(options.cache_kib)));
  }
  return connection;
}

base::Result<Connection> Connection::open(const std::filesystem::path& path, OpenMode mode, OpenOptions options) {
  return open_with(path.string(), flags_of(mode), options);
}

base::Result<Connection> Connection::open_immutable(const std::filesystem::path& path) {
  return open_with(immutable_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, {});
}

void Connection::end_when(const std::stop_token& stop) {
  constexpr int kSteps = 4000;
  stop_ = std::make_unique<std::stop_token>(stop);
  const auto ask = [](void* token) { return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0; };
  sqlite3_progress_handler(db_.get(), kSteps, ask, stop_.get());
}

base::Result<> Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return base::fail(error_of(db_.get(), code, sql));
  return {};
}

base::Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return base::fail(error_of(db_.get(), code, sql));
  if (raw == nullptr) return base::fail(base::Category::invalid, "an empty statement");
  return Statement(raw);
}

base::Result<std::int64_t> Connection::query_integer(std::string_view sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  TRY_ASSIGN(const bool has_row, statement.step());
  if (!has_row) return base::fail(base::Category::not_found, std::string(sql) + ": no row");
  return statement.integer(0);
}

base::Result<std::string> Connection::query_text(std::string_view sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  TRY_ASSIGN(const bool has_row, statement.step());
  if (!has_row) return base::fail(base::Category::not_found, std::string(sql) + ": no row");
  return std::string(statement.text(0));
}

std::int64_t Connection::changed_rows() const {
  return sqlite3_changes64(db_.get());
}
std::int64_t Connection::last_row_id() const {
  return sqlite3_last_insert_rowid(db_.get());
}
void Connection::release_cache() {
  ::sqlite3_db_release_memory(db_.get());
}

void Connection::roll_back() {
  // It fails only where no transaction is open any more: SQLite rolls back by itself after some errors.
  sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

base::Result<Transaction> Transaction::begin(Connection& connection) {
  TRY(connection.execute("BEGIN IMMEDIATE"));
  return Transaction(&connection);
}

Transaction::Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ != nullptr) connection_->roll_back();
}

base::Result<> Transaction::commit() {
  const auto committed = connection_->execute("COMMIT");
  if (!committed) connection_->roll_back();
  connection_ = nullptr;
  return committed;
}

std::string_view library_version() {
  return sqlite3_libversion();
}

}  // namespace sqlite
