// Where SQLite's result codes become categories. Only for the .cpp files of this module.
#pragma once

#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace sqlite {

// `code` may be an extended one.
base::Category category_of(int code);

// "context: what SQLite says (code)". The connection tells the details of its last error.
base::Error error_of(sqlite3* db, int code, std::string_view context);

}  // namespace sqlite
