#include "sqlite/read_session.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <sqlite3.h>

#include "sqlite/configure.h"
#include "sqlite/errors.h"
#include "sqlite/remote_vfs.h"

namespace sqlite {
namespace {

using base::Category;

constexpr int kStepsBetweenLooks = 1000;
constexpr std::size_t kShownColumns = 100;  // of a line with a mistake

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Value value_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* data = sqlite3_column_text(statement, column);
      return base::as_text({data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))});
    }
    case SQLITE_BLOB: {
      const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
      return base::ByteView{data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
    }
    default:
      return std::monostate{};
  }
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

// A backup that is being looked at is as little to be trusted as its tenant.
void harden(sqlite3* db) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // As every application's SQLite has it: our own is built without.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
}

}  // namespace

struct ReadSession::State {
  State(RemoteFile& file, std::stop_token stop_token) : stop(std::move(stop_token)), vfs(file) {}

  static int authorize(void* self, int action, const char* /*a*/, const char* /*b*/, const char* /*database*/,
                       const char* /*trigger*/) {
    if (action != SQLITE_ATTACH && action != SQLITE_DETACH) return SQLITE_OK;
    static_cast<State*>(self)->refused_file = true;
    return SQLITE_DENY;
  }
  static int look_for_stop(void* self) { return static_cast<State*>(self)->stop.stop_requested() ? 1 : 0; }

  // What a failed call of SQLite's means.
  base::Error error(int code) {
    if (auto reason = vfs.take_error()) return *std::move(reason);
    if (std::exchange(refused_file, false)) {
      return {Category::denied, "a query reads this backup alone: it attaches no database and writes no file", {}};
    }
    const int primary = code & 0xff;
    if (primary == SQLITE_READONLY) {
      return {Category::denied, "a backup is only read: restore it to change a copy", {}};
    }
    if (primary == SQLITE_INTERRUPT) return {Category::cancelled, "interrupted", {}};
    base::Error result{category_of(code), sqlite3_errmsg(db.get()), {}};
    // Which no schema of this program's can be to blame for.
    if (primary == SQLITE_CONSTRAINT || primary == SQLITE_SCHEMA) result.category = Category::invalid;
    return result;
  }

  std::stop_token stop;
  bool refused_file = false;
  RemoteVfs vfs;
  std::unique_ptr<sqlite3, CloseDatabase> db;  // after vfs: closed before it goes
};

ReadSession::ReadSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReadSession::~ReadSession() = default;
ReadSession::ReadSession(ReadSession&&) noexcept = default;

base::Result<ReadSession> ReadSession::open(RemoteFile& file, std::stop_token stop) {
  configure_once();
  auto state = std::make_unique<State>(file, std::move(stop));
  sqlite3* raw = nullptr;
  // Immutable: no lock, no journal, and a header that says WAL is read as it stands.
  const int code =
      sqlite3_open_v2("file:/backup.db?immutable=1", &raw,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, state->vfs.name().c_str());
  state->db.reset(raw);
  if (code != SQLITE_OK) return base::fail(state->error(code));
  harden(raw);
  sqlite3_set_authorizer(raw, State::authorize, state.get());
  sqlite3_progress_handler(raw, kStepsBetweenLooks, State::look_for_stop, state.get());
  // Reads the first page, so that a file that is no database is not found in the middle of a statement.
  const int looked = sqlite3_exec(raw, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  if (looked != SQLITE_OK) return base::fail(state->error(looked));
  return ReadSession(std::move(state));
}

base::Result<> ReadSession::run(std::string_view sql, RowSink& sink) {
  if (sql.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return base::fail(Category::invalid, "SQL of more than 2 GiB");
  }
  if (const auto zero = sql.find('\0'); zero != std::string_view::npos) {
    return base::fail(Category::invalid, located(sql, zero, "a zero byte is no SQL"));
  }
  for (std::size_t at = 0; at < sql.size();) TRY(run_statement(sql, at, at, sink));
  return {};
}

base::Result<> ReadSession::run_statement(std::string_view sql, std::size_t begin, std::size_t& end, RowSink& sink) {
  sqlite3* db = state_->db.get();
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const std::string_view rest = sql.substr(begin);
  const int prepared = sqlite3_prepare_v2(db, rest.data(), static_cast<int>(rest.size()), &raw, &tail);
  const StatementHandle statement(raw);
  if (prepared != SQLITE_OK) {
    const int offset = sqlite3_error_offset(db);
    base::Error error = state_->error(prepared);
    // "incomplete input" has no offset: it is wrong at its end.
    if (error.category == Category::invalid) {
      error.message = located(sql, offset < 0 ? sql.size() : begin + static_cast<std::size_t>(offset), error.message);
    }
    return base::fail(std::move(error));
  }
  end = begin + static_cast<std::size_t>(tail - rest.data());
  if (raw == nullptr) return {};  // blanks or a comment
  const int count = sqlite3_column_count(raw);
  if (count > 0) {
    std::vector<std::string> columns;
    for (int i = 0; i < count; ++i) {
      const char* name = sqlite3_column_name(raw, i);
      columns.emplace_back(name == nullptr ? "" : name);
    }
    TRY(sink.begin(columns));
  }
  std::vector<Value> values(static_cast<std::size_t>(count));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = value_of(raw, i);
    TRY(sink.row(values));
  }
  if (code != SQLITE_DONE) {
    base::Error error = state_->error(code);
    const std::size_t first = rest.find_first_not_of(" \t\r\n;");
    if (error.category == Category::invalid) error.message = located(sql, begin + first, error.message);
    return base::fail(std::move(error));
  }
  // The integrity checks show a read that failed as a row about a page, and go on.
  if (auto unread = state_->vfs.take_error()) return base::fail(*std::move(unread));
  return count > 0 ? sink.end() : base::Result<>{};
}

std::string located(std::string_view sql, std::size_t offset, std::string_view message) {
  offset = std::min(offset, sql.size());
  const std::string_view before = sql.substr(0, offset);
  const auto line_number = std::ranges::count(before, '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  const std::string_view line = sql.substr(line_begin, sql.find('\n', line_begin) - line_begin);
  const std::size_t in_line = offset - line_begin;
  std::size_t first = in_line > kShownColumns / 2 ? in_line - kShownColumns / 2 : 0;
  while (first > 0 && is_continuation(line[first])) --first;
  std::size_t last = std::min(line.size(), first + kShownColumns);
  while (last < line.size() && is_continuation(line[last])) ++last;
  std::string shown(line.substr(first, last - first));
  // What would move the mark, or the terminal.
  std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  const std::size_t mark = characters(line.substr(first, in_line - first));
  return "line " + std::to_string(line_number) + ", column " + std::to_string(characters(line.substr(0, in_line)) + 1) +
         ": " + std::string(message) + "\n  " + shown + "\n  " + std::string(mark, ' ') + "^";
}

}  // namespace sqlite
