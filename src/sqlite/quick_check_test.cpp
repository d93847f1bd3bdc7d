#include "sqlite/quick_check.h"

#include <fstream>

#include <gtest/gtest.h>

#include "os/testing.h"

namespace sqlite {
namespace {

namespace fs = std::filesystem;
using os::testing::run_sqlite;
using os::testing::TempDir;

fs::path make_database(const TempDir& dir) {
  const fs::path path = dir / "x.db";
  CHECK(run_sqlite(path,
                   "PRAGMA journal_mode=WAL; CREATE TABLE t(a, b); CREATE INDEX i ON t(a);"
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000)"
                   "INSERT INTO t SELECT i, hex(randomblob(50)) FROM n;") == 0);
  return path;
}

void overwrite(const fs::path& path, std::streamoff offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(offset);
  file << bytes;
}

TEST(CheckDatabase, AcceptsASoundFileAndCreatesNothingBesideIt) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  EXPECT_TRUE(check_database(path, CheckKind::quick).has_value());
  EXPECT_TRUE(check_database(path, CheckKind::full).has_value());
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(CheckDatabase, EndsWhenItIsStopped) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  std::stop_source stop;
  EXPECT_TRUE(check_database(path, CheckKind::quick, stop.get_token()).has_value());
  stop.request_stop();
  EXPECT_EQ(check_database(path, CheckKind::quick, stop.get_token()).error().category, base::Category::cancelled);
}

TEST(CheckDatabase, ReportsTheFirstFinding) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  overwrite(path, 20480, std::string(4096, '\xff'));
  const auto checked = check_database(path, CheckKind::quick);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().category, base::Category::corrupt);
  EXPECT_NE(checked.error().message.find(path.string()), std::string::npos);
}

TEST(CheckDatabase, FullFindsAnIndexThatDisagreesWithItsTable) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  // The text of one indexed row exists twice: in the table and in the index. Change it in the table only.
  ASSERT_EQ(run_sqlite(path, "INSERT INTO t VALUES('needle-aaaa', 1);"), 0);
  const std::string bytes = os::testing::read_text(path);
  const std::size_t at = bytes.find("needle-aaaa");
  ASSERT_NE(at, std::string::npos);
  ASSERT_NE(bytes.find("needle-aaaa", at + 1), std::string::npos);
  overwrite(path, static_cast<std::streamoff>(at), "needle-zzzz");
  EXPECT_TRUE(check_database(path, CheckKind::quick).has_value());
  EXPECT_EQ(check_database(path, CheckKind::full).error().category, base::Category::corrupt);
}

TEST(CheckDatabase, TruncatedForeignAndMissingFilesAreToldApart) {
  const TempDir dir;
  const fs::path path = make_database(dir);
  fs::resize_file(path, 12288);
  EXPECT_EQ(check_database(path, CheckKind::quick).error().category, base::Category::corrupt);
  os::testing::write_text(dir / "noise.db", std::string(8192, 'n'));
  EXPECT_EQ(check_database(dir / "noise.db", CheckKind::quick).error().category, base::Category::corrupt);
  EXPECT_EQ(check_database(dir / "absent.db", CheckKind::quick).error().category, base::Category::not_found);
}

}  // namespace
}  // namespace sqlite
