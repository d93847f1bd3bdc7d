#include "sqlite/connection.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "os/testing.h"
#include "sqlite/errors.h"

namespace sqlite {
namespace {

using base::Category;
using os::testing::SqliteShell;
using os::testing::TempDir;

Connection make(const TempDir& dir) {
  Connection connection = Connection::open(dir / "x.db", OpenMode::read_write_create).value();
  CHECK(connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB)").has_value());
  return connection;
}

TEST(SqliteErrors, BecomeTheCategoryThatSaysWhatToDo) {
  const std::vector<std::pair<int, Category>> table = {
      {SQLITE_BUSY, Category::retry_later},
      {SQLITE_BUSY_SNAPSHOT, Category::retry_later},
      {SQLITE_LOCKED, Category::retry_later},
      {SQLITE_PROTOCOL, Category::retry_later},
      {SQLITE_READONLY, Category::denied},
      {SQLITE_READONLY_DIRECTORY, Category::denied},
      {SQLITE_CANTOPEN, Category::denied},
      {SQLITE_PERM, Category::denied},
      {SQLITE_AUTH, Category::denied},
      {SQLITE_CORRUPT, Category::corrupt},
      {SQLITE_CORRUPT_INDEX, Category::corrupt},
      {SQLITE_NOTADB, Category::corrupt},
      {SQLITE_FULL, Category::io},
      {SQLITE_IOERR_READ, Category::io},
      {SQLITE_NOMEM, Category::io},
      {SQLITE_CONSTRAINT_UNIQUE, Category::conflict},
      {SQLITE_INTERRUPT, Category::cancelled},
      {SQLITE_ERROR, Category::invalid},
      {SQLITE_MISUSE, Category::invalid},
  };
  for (const auto& [code, category] : table) EXPECT_EQ(category_of(code), category) << code;
}

TEST(Library, IsOurOwnAndNotAffectedByTheWalResetBug) {
  EXPECT_EQ(library_version(), SQLITE_VERSION);
  EXPECT_GE(sqlite3_libversion_number(), 3051003);
}

TEST(Connection, OpensOnlyAsAsked) {
  const TempDir dir;
  EXPECT_EQ(Connection::open(dir / "x.db", OpenMode::read_write).error().category, Category::not_found);
  EXPECT_EQ(Connection::open(dir / "x.db", OpenMode::read_only).error().category, Category::not_found);
  EXPECT_FALSE(std::filesystem::exists(dir / "x.db"));
  const Connection made = make(dir);
  Connection reader = Connection::open(dir / "x.db", OpenMode::read_only).value();
  EXPECT_EQ(reader.execute("INSERT INTO t(name) VALUES('a')").error().category, Category::denied);
  std::filesystem::create_symlink(dir / "x.db", dir / "link.db");
  EXPECT_EQ(Connection::open(dir / "link.db", OpenMode::read_only).error().category, Category::denied);
}

TEST(Statement, ValuesGoInAndComeBack) {
  const TempDir dir;
  Connection connection = make(dir);
  const base::Bytes body = {0, 1, 2, 255};
  auto insert = connection.prepare("INSERT INTO t(id, name, body) VALUES(?, ?, ?)").value();
  ASSERT_TRUE(insert.bind(1, std::int64_t{1} << 40).bind(2, std::string("na\0me", 5)).bind(3, body).run().has_value());
  EXPECT_EQ(connection.last_row_id(), std::int64_t{1} << 40);
  EXPECT_EQ(connection.changed_rows(), 1);
  ASSERT_TRUE(insert.bind(1, std::int64_t{2}).bind(2, std::string_view{}).bind_null(3).run().has_value());
  ASSERT_TRUE(insert.bind(1, std::int64_t{3}).bind_null(2).bind(3, base::ByteView{}).run().has_value());

  auto select = connection.prepare("SELECT id, name, body FROM t ORDER BY id DESC").value();
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.integer(0), std::int64_t{1} << 40);
  EXPECT_EQ(select.text(1), std::string_view("na\0me", 5));
  EXPECT_TRUE(std::ranges::equal(select.blob(2), body));
  ASSERT_TRUE(select.step().value());
  EXPECT_TRUE(select.is_null(1));
  EXPECT_FALSE(select.is_null(2));
  EXPECT_TRUE(select.blob(2).empty());
  ASSERT_TRUE(select.step().value());
  EXPECT_FALSE(select.is_null(1));
  EXPECT_EQ(select.text(1), "");
  EXPECT_TRUE(select.is_null(2));
  EXPECT_FALSE(select.step().value());
}

TEST(Statement, WrongIndexShowsAtTheStep) {
  const TempDir dir;
  Connection connection = make(dir);
  auto insert = connection.prepare("INSERT INTO t(id) VALUES(?)").value();
  EXPECT_EQ(insert.bind(2, std::int64_t{1}).step().error().category, Category::invalid);
}

TEST(Statement, ConstraintIsAConflictAndTheStatementWorksAfterIt) {
  const TempDir dir;
  Connection connection = make(dir);
  auto insert = connection.prepare("INSERT INTO t(name) VALUES(?)").value();
  ASSERT_TRUE(insert.bind(1, "a").run().has_value());
  EXPECT_EQ(insert.bind(1, "a").run().error().category, Category::conflict);
  EXPECT_TRUE(insert.bind(1, "b").run().has_value());
}

TEST(Connection, MalformedSqlIsInvalid) {
  const TempDir dir;
  Connection connection = make(dir);
  EXPECT_EQ(connection.prepare("SELEKT").error().category, Category::invalid);
  EXPECT_EQ(connection.prepare("  ").error().category, Category::invalid);
  EXPECT_EQ(connection.query_integer("SELECT id FROM t").error().category, Category::not_found);
}

TEST(Transaction, IsRolledBackUnlessCommitted) {
  const TempDir dir;
  Connection connection = make(dir);
  {
    const auto transaction = Transaction::begin(connection);
    ASSERT_TRUE(connection.execute("INSERT INTO t(name) VALUES('lost')").has_value());
  }
  {
    auto transaction = Transaction::begin(connection).value();
    ASSERT_TRUE(connection.execute("INSERT INTO t(name) VALUES('kept')").has_value());
    ASSERT_TRUE(transaction.commit().has_value());
  }
  EXPECT_EQ(connection.query_text("SELECT group_concat(name) FROM t").value(), "kept");
}

TEST(Transaction, OfAnotherProcessIsBusyAndPasses) {
  const TempDir dir;
  Connection connection = make(dir);
  SqliteShell other(dir / "x.db");
  other.run("BEGIN IMMEDIATE;");
  EXPECT_EQ(Transaction::begin(connection).error().category, Category::retry_later);
  other.run("COMMIT;");
  EXPECT_TRUE(Transaction::begin(connection).has_value());
}

TEST(Immutable, OpensNamesThatMeanSomethingInAUri) {
  const TempDir dir;
  const auto path = dir / "a?b#c%20 d.db";
  ASSERT_TRUE(Connection::open(path, OpenMode::read_write_create)->execute("CREATE TABLE t(a)").has_value());
  EXPECT_EQ(Connection::open_immutable(path)->query_integer("SELECT count(*) FROM t").value(), 0);
  EXPECT_EQ(Connection::open_immutable(dir / "absent").error().category, Category::not_found);
}

}  // namespace
}  // namespace sqlite
