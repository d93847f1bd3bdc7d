#include "sqlite/left_log.h"

#include "sqlite/connection.h"

namespace sqlite {

base::Result<> clear_left_log(const std::filesystem::path& path) {
  TRY_ASSIGN(Connection connection, Connection::open(path, OpenMode::read_write));
  // The first read attaches to the log; the close, being the last, does the rest.
  TRY_ASSIGN([[maybe_unused]] const std::int64_t rows, connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  return {};
}

}  // namespace sqlite
