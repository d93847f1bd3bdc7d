#include "sqlite/read_session.h"

#include <algorithm>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "os/testing.h"

namespace sqlite {
namespace {

using base::Category;
using os::testing::run_sqlite;
using os::testing::TempDir;

// A file in memory that can fail.
class MemoryFile final : public RemoteFile {
 public:
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) override {
    ++reads;
    if (fail_from > 0 && reads >= fail_from && reads <= fail_to)
      return base::fail(Category::retry_later, "the line is cut");
    if (offset + out.size() > bytes_.size()) return base::fail(Category::invalid, "read behind the end");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  std::string& bytes() { return bytes_; }

  unsigned reads = 0;
  unsigned fail_from = 0;  // 0: none fails
  unsigned fail_to = std::numeric_limits<unsigned>::max();

 private:
  std::string bytes_;
};

// Rows as text: "a|b" per row, columns first.
class TextSink final : public RowSink {
 public:
  base::Result<> begin(const std::vector<std::string>& columns) override {
    for (const auto& column : columns) text += "[" + column + "]";
    text += "\n";
    return {};
  }
  base::Result<> row(std::span<const Value> values) override {
    for (const Value& value : values) text += std::visit(Show{}, value) + "|";
    text += "\n";
    if (on_row) on_row();
    return {};
  }
  base::Result<> end() override {
    text += ";\n";
    return {};
  }

  std::string text;
  std::function<void()> on_row;

 private:
  struct Show {
    std::string operator()(std::monostate /*null*/) const { return "NULL"; }
    std::string operator()(std::int64_t value) const { return "i" + std::to_string(value); }
    std::string operator()(double value) const { return "r" + std::to_string(value); }
    std::string operator()(std::string_view value) const { return "t" + std::string(value); }
    std::string operator()(base::ByteView value) const { return "b" + base::to_hex(value); }
  };
};

class ReadSessionTest : public ::testing::Test {
 protected:
  std::string make(const std::string& sql) {
    const auto path = directory_ / "x.db";
    CHECK(run_sqlite(path, sql) == 0);
    return os::testing::read_text(path);
  }
  // What `sql` gives, or how it fails.
  base::Result<std::string> run(MemoryFile& file, std::string_view sql) {
    TRY_ASSIGN(ReadSession session, ReadSession::open(file, stop_.get_token()));
    TextSink sink;
    TRY(session.run(sql, sink));
    return sink.text;
  }
  base::Error failure(MemoryFile& file, std::string_view sql) {
    auto done = run(file, sql);
    return done ? base::Error{Category::io, "no failure: " + *done, {}} : done.error();
  }

  TempDir directory_;
  std::stop_source stop_;
};

constexpr std::string_view kSchema =
    "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);"
    "INSERT INTO t VALUES (1, 'one', 1.5), (2, NULL, x'00ff'), (3, '', -7);";

TEST_F(ReadSessionTest, GivesColumnsAndEveryKindOfValueOfADatabaseThatSaysWal) {
  MemoryFile file(make(std::string(kSchema)));
  ASSERT_EQ(file.bytes()[18], 2) << "the header says WAL";
  const auto text = run(file, "SELECT id, a AS name, b FROM t ORDER BY id");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "[id][name][b]\ni1|tone|r1.500000|\ni2|NULL|b00ff|\ni3|t|i-7|\n;\n");
}

TEST_F(ReadSessionTest, RunsSeveralStatementsAndPassesOverComments) {
  MemoryFile file(make(std::string(kSchema)));
  const auto text = run(file,
                        "-- first\nSELECT 1 AS x; /* nothing */ ; SELECT id FROM t WHERE id > 9;\n"
                        "CREATE TEMP TABLE mine AS SELECT id FROM t; SELECT count(*) AS n FROM mine; -- end");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "[x]\ni1|\n;\n[id]\n;\n[n]\ni3|\n;\n");
}

TEST_F(ReadSessionTest, SqlThatIsWrongIsShownWithLineAndColumn) {
  MemoryFile file(make(std::string(kSchema)));
  const auto error = failure(file, "SELECT 1;\nSELECT id,\n  nme FROM t");
  EXPECT_EQ(error.category, Category::invalid);
  EXPECT_EQ(error.message, "line 3, column 3: no such column: nme\n    nme FROM t\n    ^");
  EXPECT_EQ(failure(file, "SELECT (1").message, "line 1, column 10: incomplete input\n  SELECT (1\n           ^");
  EXPECT_EQ(failure(file, "SELECT abs(-9223372036854775807 - 1)").category, Category::invalid);
}

TEST_F(ReadSessionTest, TheMarkStandsBelowTheCharacterAlsoInALongLineOfOtherScripts) {
  EXPECT_EQ(located("SELECT 'äöü', x", 16, "m"), "line 1, column 14: m\n  SELECT 'äöü', x\n               ^");
  const std::string line = std::string(300, ' ') + "bad" + std::string(300, 'y');
  const std::string shown = located(line, 300, "m");
  EXPECT_EQ(shown.substr(shown.find('\n') + 1).find("bad"), 52U);
  EXPECT_EQ(shown.rfind('^') - shown.rfind('\n') - 1, 52U);
  EXPECT_EQ(located("a\tb\x1b[2J", 2, "m"), "line 1, column 3: m\n  a b [2J\n    ^");
}

TEST_F(ReadSessionTest, NothingCanBeWrittenOrOpenedBesides) {
  MemoryFile file(make(std::string(kSchema)));
  const std::string before = file.bytes();
  const std::string other = (directory_ / "other.db").string();
  for (const std::string& sql :
       {std::string("DELETE FROM t"), std::string("CREATE TABLE u(x)"), std::string("PRAGMA user_version = 5"),
        std::string("VACUUM"), "VACUUM INTO '" + other + "'", "ATTACH '" + other + "' AS o",
        std::string("ATTACH ':memory:' AS o"), std::string("DETACH main"),
        std::string("INSERT INTO sqlite_dbpage(pgno, data) VALUES (1, zeroblob(4096))")}) {
    EXPECT_EQ(failure(file, sql).category, Category::denied) << sql << ": " << failure(file, sql).message;
  }
  EXPECT_EQ(failure(file, "SELECT load_extension('x')").category, Category::invalid);
  EXPECT_EQ(file.bytes(), before);
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(ReadSessionTest, WhatTheFileSaysIsWhatTheStatementReturns) {
  MemoryFile file(make(std::string(kSchema)));
  auto session = ReadSession::open(file, {});
  ASSERT_TRUE(session);
  file.fail_from = file.reads + 1;
  TextSink sink;
  const auto done = session->run("SELECT count(*) FROM t", sink);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), (base::Error{Category::retry_later, "the line is cut", {}}));
  file.fail_from = 0;
  EXPECT_TRUE(session->run("SELECT count(*) FROM t", sink)) << "the next one is tried anew";
}

TEST_F(ReadSessionTest, AReadThatFailedIsNoFindingOfAnIntegrityCheck) {
  const std::string many = make(std::string(kSchema) +
                                "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                                " INSERT INTO t SELECT i, hex(randomblob(20)), i FROM n;");
  for (const std::string& check : {std::string("PRAGMA integrity_check"), std::string("PRAGMA quick_check")}) {
    MemoryFile file(many);
    auto session = ReadSession::open(file, {});
    ASSERT_TRUE(session);
    file.fail_from = file.fail_to = file.reads + 10;
    TextSink sink;
    const auto done = session->run(check, sink);
    ASSERT_FALSE(done) << check << ": " << sink.text;
    EXPECT_EQ(done.error(), (base::Error{Category::retry_later, "the line is cut", {}}));
    TextSink again;
    const auto whole = session->run(check, again);
    ASSERT_TRUE(whole) << check << ": " << whole.error().message;
    EXPECT_NE(again.text.find("tok|"), std::string::npos) << again.text;
  }
}

TEST_F(ReadSessionTest, AStopEndsAStatementThatWouldNeverEnd) {
  MemoryFile file(make(std::string(kSchema)));
  auto session = ReadSession::open(file, stop_.get_token());
  ASSERT_TRUE(session);
  TextSink sink;
  sink.on_row = [this] { stop_.request_stop(); };
  const auto done =
      session->run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", sink);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::cancelled);
}

TEST_F(ReadSessionTest, ASortThatNeedsTemporaryFilesWorksAndLeavesNone) {
  MemoryFile file(make(std::string(kSchema)));
  const auto text =
      run(file,
          "PRAGMA cache_size = 10; PRAGMA temp_store = 1;"
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
          " SELECT count(*) FROM (SELECT hex(i * 7919 % 20011) || zeroblob(100) AS x FROM n ORDER BY x LIMIT -1)");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_NE(text->find("i20000|"), std::string::npos);
}

TEST_F(ReadSessionTest, DoubleQuotedTextMeansWhatItMeansToTheApplication) {
  MemoryFile file(make(std::string(kSchema)));
  const auto text = run(file, "SELECT id FROM t WHERE a = \"one\"");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "[id]\ni1|\n;\n");
}

TEST_F(ReadSessionTest, BytesThatAreNoDatabaseAreCorruptAndNeverACrash) {
  MemoryFile text_file(
      "This is no database, but it is long enough to have a header of one hundred bytes and more. 0123456");
  const auto opened = ReadSession::open(text_file, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().category, Category::corrupt);
  const std::string whole = make(std::string(kSchema) +
                                 "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                                 " INSERT INTO t SELECT i, hex(randomblob(20)), i FROM n; CREATE INDEX x ON t(a);");
  std::uint64_t random = 1;
  unsigned failures = 0;
  for (int round = 0; round < 300; ++round) {
    MemoryFile file(whole);
    for (int i = 0; i < 20; ++i) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      file.bytes()[(random >> 20) % (round % 2 == 0 ? 5000 : whole.size())] = static_cast<char>(random >> 56);
    }
    const auto done = run(file, "SELECT * FROM t ORDER BY a; SELECT count(*), max(b) FROM t; PRAGMA integrity_check");
    failures += done ? 0U : 1U;
  }
  EXPECT_GT(failures, 50U);
}

}  // namespace
}  // namespace sqlite
