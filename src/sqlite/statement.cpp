#include <utility>

#include <sqlite3.h>

#include "sqlite/connection.h"
#include "sqlite/errors.h"

namespace sqlite {

namespace {

const sqlite3_destructor_type kCopy = SQLITE_TRANSIENT;  // NOLINT(performance-no-int-to-ptr): SQLite's "make a copy"

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::note(int code) {
  if (bind_error_ == SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int index, std::int64_t value) {
  return note(sqlite3_bind_int64(statement_.get(), index, value));
}

Statement& Statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL: an empty text is not that.
  const char* data = value.data() != nullptr ? value.data() : "";
  return note(sqlite3_bind_text64(statement_.get(), index, data, value.size(), kCopy, SQLITE_UTF8));
}

Statement& Statement::bind(int index, base::ByteView value) {
  if (value.empty()) return note(sqlite3_bind_zeroblob(statement_.get(), index, 0));
  return note(sqlite3_bind_blob64(statement_.get(), index, value.data(), value.size(), kCopy));
}

Statement& Statement::bind_null(int index) {
  return note(sqlite3_bind_null(statement_.get(), index));
}

base::Result<bool> Statement::step() {
  sqlite3* db = sqlite3_db_handle(statement_.get());
  if (bind_error_ != SQLITE_OK) {
    const int code = std::exchange(bind_error_, SQLITE_OK);
    return base::fail(error_of(nullptr, code, sqlite3_sql(statement_.get())));
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  base::Error error = error_of(db, code, sqlite3_sql(statement_.get()));
  sqlite3_reset(statement_.get());
  return base::fail(std::move(error));
}

base::Result<> Statement::run() {
  for (;;) {
    TRY_ASSIGN(const bool has_row, step());
    if (!has_row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  // The order matters: the conversion to text may change the length.
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return base::as_text({data, size});
}

base::ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {static_cast<const std::uint8_t*>(data), size};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

}  // namespace sqlite
