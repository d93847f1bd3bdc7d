// Somebody else's SQL over a database that is only read: what `query` runs on a backup.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/remote_file.h"

namespace sqlite {

// NULL, INTEGER, REAL, TEXT (UTF-8, as far as the database keeps to it) or BLOB. Views live until the next row.
using Value = std::variant<std::monostate, std::int64_t, double, std::string_view, base::ByteView>;

// Where results go. Called in this order for each statement that has columns, also if it has no rows; an error ends
// the run and is what it returns.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual base::Result<> begin(const std::vector<std::string>& columns) = 0;
  virtual base::Result<> row(std::span<const Value> values) = 0;
  virtual base::Result<> end() = 0;
};

// One thread. Temporary tables are possible and live as long as the session; large sorts go to temporary files of
// SQLite's, without a name. Neither ATTACH nor VACUUM INTO nor extensions: a session touches no file that a name leads
// to.
class ReadSession {
 public:
  // `file` must outlive the session and stay as it is; a log beside it there is none, whatever its header says. A stop
  // ends what runs within some thousand steps of SQLite's machine, or as soon as `file` returns.
  //   corrupt  no SQLite database
  //   what `file` returned
  static base::Result<ReadSession> open(RemoteFile& file, std::stop_token stop);
  ~ReadSession();
  ReadSession(ReadSession&&) noexcept;
  ReadSession& operator=(ReadSession&&) = delete;

  // One or more statements, up to the first error; what `sink` got before stays valid.
  //   invalid    SQL that is wrong; the message names line and column, and shows them
  //   denied     it would write, or open another file
  //   cancelled  stopped
  //   corrupt    the database is malformed
  //   what `file` returned, also where SQLite would go on without that page, or `sink`; io for SQLite's temporary files
  //   and for memory
  base::Result<> run(std::string_view sql, RowSink& sink);

 private:
  struct State;
  explicit ReadSession(std::unique_ptr<State> state);
  base::Result<> run_statement(std::string_view sql, std::size_t begin, std::size_t& end, RowSink& sink);

  std::unique_ptr<State> state_;
};

// "line 2, column 8: message" and the line with a mark below the place. For tests; `offset` counts bytes.
std::string located(std::string_view sql, std::size_t offset, std::string_view message);

}  // namespace sqlite
