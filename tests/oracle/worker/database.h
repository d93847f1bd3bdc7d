// SQLite as the applications of the oracle use it: a connection and its statements, errors as exceptions.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

namespace oracle {

// SQLITE_BUSY or SQLITE_LOCKED: somebody else was first. The transaction can be tried again.
class Busy : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The disk failed under SQLite, which the application is told and lives on with.
class DiskFailed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class SqliteError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Blob = std::vector<unsigned char>;

class Statement {
 public:
  Statement(sqlite3* connection, const std::string& sql);

  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, std::string_view text);
  Statement& bind(int position, const Blob& blob);

  // True: a row is there. False: done.
  bool step();
  void run();
  void reset() { sqlite3_reset(statement_.get()); }

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] sqlite3_stmt* get() const { return statement_.get(); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode : std::uint8_t { read_write, immutable };
  Database(const std::string& path, Mode mode, int busy_timeout_ms);

  // Runs all statements and throws their rows away.
  void run(const std::string& sql);
  // The first column of the first row; 0 or empty without one.
  std::int64_t integer(const std::string& sql);
  std::string text(const std::string& sql);
  Statement prepare(const std::string& sql) { return {connection_.get(), sql}; }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }
  void roll_back();
  [[nodiscard]] sqlite3* get() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close(connection); }
  };
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace oracle
