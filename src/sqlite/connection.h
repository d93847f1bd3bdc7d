// SQLite behind values and errors. The library is our own static build, so that its version is one without the
// WAL-reset bug (3.51.3 or later) wherever we run.
//
// A connection and its statements belong to one thread at a time. No exception leaves this module.
//
// Errors, everywhere here: retry_later (locked by somebody), denied (permissions, read-only, cannot be opened),
// corrupt, io (disk full, read error, memory), conflict (a constraint), not_found (no such file), invalid (our SQL is
// wrong).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sqlite {

enum class OpenMode : std::uint8_t { read_only, read_write, read_write_create };

struct OpenOptions {
  std::chrono::milliseconds busy_timeout{0};  // how long a call may wait for others' locks
  int cache_kib = 0;                          // page cache of this connection; 0: SQLite's default (2 MB)
};

class Statement;

class Connection {
 public:
  // Follows no symbolic link. The first call of all configures SQLite for the whole process.
  static base::Result<Connection> open(const std::filesystem::path& path, OpenMode mode, OpenOptions options = {});
  // Reads a closed file that nobody else has open: takes no lock, ignores a log, creates nothing beside it.
  static base::Result<Connection> open_immutable(const std::filesystem::path& path);

  // One or more statements whose rows do not matter. Stops at the first error.
  base::Result<> execute(const std::string& sql);
  base::Result<Statement> prepare(std::string_view sql);
  // First column of the first row; not_found if there is none.
  base::Result<std::int64_t> query_integer(std::string_view sql);
  base::Result<std::string> query_text(std::string_view sql);

  [[nodiscard]] std::int64_t changed_rows() const;  // by the last INSERT, UPDATE or DELETE
  [[nodiscard]] std::int64_t last_row_id() const;
  // Statements that run after `stop` was requested end with Category::cancelled. Call once, before the first of them;
  // asked every few thousand steps of SQLite's machine, and page by page while it checks a file.
  void end_when(const std::stop_token& stop);
  // Frees cached pages; they are read again when they are needed.
  void release_cache();

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* db) const;
  };
  using Handle = std::unique_ptr<sqlite3, Close>;
  explicit Connection(Handle db) : db_(std::move(db)) {}
  static base::Result<Connection> open_with(const std::string& name, int flags, const OpenOptions& options);
  void roll_back();

  std::unique_ptr<std::stop_token> stop_;  // at a place of its own: SQLite keeps the address
  Handle db_;                              // gone before what it asks
};

// Must not outlive its connection.
class Statement {
 public:
  // Parameters count from 1; values are copied. Wrong indexes and lack of memory show at the next step().
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view value);
  Statement& bind(int index, base::ByteView value);
  Statement& bind_null(int index);

  // True: a row is there. False: done.
  base::Result<bool> step();
  // Steps to the end and resets, keeping what is bound: for statements without rows.
  base::Result<> run();
  void reset();

  // Columns of the current row count from 0. Views live until the next step() or reset(). NULL reads as 0 and empty.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] base::ByteView blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement& note(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_error_ = 0;
};

// BEGIN IMMEDIATE ... COMMIT; rolled back if it is destroyed before commit(). The connection must outlive it and must
// not be moved meanwhile.
class Transaction {
 public:
  static base::Result<Transaction> begin(Connection& connection);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  // After an error nothing was committed and the transaction is over.
  base::Result<> commit();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

std::string_view library_version();  // "3.53.2"

}  // namespace sqlite
