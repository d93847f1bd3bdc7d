#include "sqlite/errors.h"

#include <string>

#include <sqlite3.h>

namespace sqlite {

base::Category category_of(int code) {
  switch (code & 0xff) {  // extended codes carry the primary one in their lowest byte
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_SCHEMA:
      return base::Category::retry_later;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return base::Category::denied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::Category::corrupt;
    case SQLITE_CONSTRAINT:
      return base::Category::conflict;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
      return base::Category::cancelled;
    case SQLITE_NOTFOUND:
      return base::Category::not_found;
    case SQLITE_NOLFS:
      return base::Category::unsupported;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return base::Category::invalid;
    default:
      return base::Category::io;  // FULL, IOERR, NOMEM, and what later versions may add
  }
}

base::Error error_of(sqlite3* db, int code, std::string_view context) {
  std::string message(context);
  message += ": ";
  message += db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  message += " (" + std::to_string(code) + ")";
  return {category_of(code), std::move(message), std::nullopt};
}

}  // namespace sqlite
