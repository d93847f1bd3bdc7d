// Restores of a TXID and of a time, and of backups by Litestream 0.3.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/restore.h"
#include "engine/restore_testing.h"
#include "os/testing.h"
#include "sqlite/connection.h"
#include "storage/file_store.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Category;
using nlohmann::json;
using testing::BackupMaker;
using testing::key;
using testing::kReplica;

constexpr std::int64_t kFirstMs = 1'700'000'001'000;  // BackupMaker's TXID 1

class RestoreTo : public ::testing::Test {
 protected:
  base::Result<RestoreReport> run(history::RestoreTarget target) {
    fs::remove(output_);
    RestoreOptions options;
    options.output = output_;
    options.target = target;
    options.integrity_check = IntegrityCheck::none;  // the pages are noise
    return restore(store_, kReplica, options);
  }
  static history::RestoreTarget at(std::int64_t ms) { return {.txid = {}, .before = base::UnixMillis{ms}}; }
  void remove(const std::string& object_key) {
    ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{object_key}}));
  }
  std::size_t heads() const {
    return static_cast<std::size_t>(
        std::ranges::count(store_.operations(), storage::OperationKind::head, &storage::Operation::kind));
  }
  void expect_state(const base::Result<RestoreReport>& report, const BackupMaker& backup, std::uint64_t txid) {
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->txid, base::Txid{txid});
    EXPECT_EQ(os::testing::read_text(output_), std::string(base::as_text(backup.file(txid))));
  }

  os::testing::TempDir directory_;
  fs::path output_ = directory_ / "out.db";
  storage::MemoryStore store_;
};

TEST_F(RestoreTo, EveryTxidGivesItsState) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (std::uint32_t i = 0; i < 6; ++i) backup.write(5 + i, 22 + i);
  for (std::uint64_t txid = 1; txid <= 7; ++txid) {
    expect_state(run({.txid = base::Txid{txid}, .before = {}}), backup, txid);
  }
}

TEST_F(RestoreTo, ATxidThatIsNoneNamesTheNeighboursWithTheirTimes) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 4; ++i) backup.write(3, 4);
  backup.merge(1, 1, backup.pages());
  ASSERT_TRUE(storage::remove_and_wait(
      store_, {base::ObjectKey{key(0, 2, 2)}, base::ObjectKey{key(0, 3, 3)}, base::ObjectKey{key(0, 4, 4)}}));
  const auto report = run({.txid = base::Txid{3}, .before = {}});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::not_found);
  EXPECT_NE(report.error().message.find("TXID 0000000000000003 cannot be restored; the nearest points are TXID "
                                        "0000000000000001 of 2023-11-14T22:13:21Z before and TXID "
                                        "0000000000000005 of 2023-11-14T22:13:25Z after it"),
            std::string::npos)
      << report.error().message;
}

TEST_F(RestoreTo, ATimeGivesTheNewestStateFromStrictlyBeforeByTheObjectsOwnTime) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 9; ++i) backup.write(3, 4);
  for (std::uint64_t txid = 1; txid <= 10; ++txid) {
    const std::int64_t stored_ms = kFirstMs + static_cast<std::int64_t>(txid - 1) * 1000;
    expect_state(run(at(stored_ms + 1)), backup, txid);
    if (txid > 1) expect_state(run(at(stored_ms)), backup, txid - 1);
  }
}

TEST_F(RestoreTo, ATimeAsksForTheTimesOfFewObjects) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 199; ++i) backup.write(3, 3);
  // The listing says that all of them came just now: the worst case, by doubling steps.
  expect_state(run(at(kFirstMs + 3500)), backup, 4);
  EXPECT_LE(heads(), 16U);
  const std::size_t before = heads();
  expect_state(run(at(base::system_clock().unix_now().count() + 3'600'000)), backup, 200);
  EXPECT_LE(heads() - before, 2U);
}

TEST_F(RestoreTo, ATimeBeforeEverythingNamesTheOldestPoint) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  const auto report = run(at(kFirstMs));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::not_found);
  EXPECT_NE(report.error().message.find("nothing was stored before 2023-11-14T22:13:21Z; the oldest point is TXID "
                                        "0000000000000001 of 2023-11-14T22:13:21Z"),
            std::string::npos)
      << report.error().message;
}

TEST_F(RestoreTo, ATimeBehindAGapIsNotAnsweredWithTheStateBeforeTheGap) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 11; ++i) backup.write(3, 4);
  remove(key(0, 6, 6));
  for (const std::int64_t ms : {kFirstMs + 6'001, kFirstMs + 8'000, kFirstMs + 3'600'000}) {
    const auto report = run(at(ms));
    ASSERT_FALSE(report) << ms;
    EXPECT_EQ(report.error().category, Category::corrupt);
    EXPECT_NE(report.error().message.find("has a gap after TXID 0000000000000005, and states from before "),
              std::string::npos)
        << report.error().message;
    EXPECT_NE(report.error().message.find("; -txid 0000000000000005 restores the nearest state that is whole, of "
                                          "2023-11-14T22:13:25Z"),
              std::string::npos)
        << report.error().message;
    EXPECT_FALSE(fs::exists(output_));
  }
  expect_state(run({.txid = base::Txid{5}, .before = {}}), backup, 5);
  // Nothing behind the gap is older than this.
  expect_state(run(at(kFirstMs + 6'000)), backup, 5);
  expect_state(run(at(kFirstMs + 3'500)), backup, 4);
  // What was lost is in a later object: no state by time, but no hole.
  backup.merge(9, 1, backup.pages());
  expect_state(run(at(kFirstMs + 8'000)), backup, 5);
  expect_state(run(at(kFirstMs + 3'600'000)), backup, 12);
}

TEST_F(RestoreTo, ATimeWithinWhatWasMergedSinceIsNoGap) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 4; ++i) backup.write(3, 4);
  for (int i = 0; i < 5; ++i) backup.write(5, 6);
  testing::RestorePages changed{{5, backup.pages().at(5)}, {6, backup.pages().at(6)}};
  backup.merge(1, 6, changed);  // 6 to 10, of the time of 10
  for (int i = 0; i < 2; ++i) backup.write(7, 8);
  remove(key(0, 6, 6));  // retention has just begun
  expect_state(run(at(kFirstMs + 7'500)), backup, 5);
  expect_state(run(at(kFirstMs + 9'001)), backup, 10);
  expect_state(run(at(kFirstMs + 10'001)), backup, 11);
  remove(key(0, 11, 11));
  EXPECT_EQ(run(at(kFirstMs + 11'001)).error().category, Category::corrupt);
  expect_state(run(at(kFirstMs + 11'000)), backup, 10);
  expect_state(run(at(kFirstMs + 7'500)), backup, 5);
}

TEST_F(RestoreTo, ATimeWhoseObjectsHaveLostTheirBaseIsNotSaidToHaveHadNone) {
  BackupMaker backup(store_);
  backup.write(1, 20);
  for (int i = 0; i < 4; ++i) backup.write(3, 4);
  remove(key(0, 1, 1));
  const auto report = run(at(kFirstMs + 3'500));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::not_found);
  EXPECT_NE(report.error().message.find("there are objects from before 2023-11-14T22:13:24.5Z, but not those that "
                                        "they build on; it has no state that can be restored"),
            std::string::npos)
      << report.error().message;
}

// Backups that Litestream 0.3.13 wrote, with what it restores from them.
class RestoreGeneration : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const fs::path source = fs::path(LM_TEST_DATA_DIR) / "v3" / GetParam();
    fs::create_directories(bucket_ / kReplica);
    fs::copy(source, bucket_ / kReplica, fs::copy_options::recursive);
    expected_ = json::parse(std::ifstream(source.string() + ".expected.json"));
    for (const json& file : expected_["files"]) {
      const std::int64_t ns = file["mtime_ns"];
      ASSERT_TRUE(os::set_modified_time(bucket_ / kReplica / file["path"].get<std::string>(),
                                        std::chrono::milliseconds(ns / 1'000'000)));
    }
  }
  base::Result<RestoreReport> run(std::optional<base::UnixMillis> at) {
    fs::remove(output_);
    storage::FileStore store(bucket_);
    RestoreOptions options;
    options.output = output_;
    options.target.before = at;
    options.integrity_check = IntegrityCheck::full;
    return restore(store, kReplica, options);
  }
  void expect_content(const json& wanted) {
    auto database = sqlite::Connection::open_immutable(output_);
    ASSERT_TRUE(database);
    EXPECT_EQ(*database->query_integer("SELECT count(*) FROM t"), wanted["count"].get<std::int64_t>());
    EXPECT_EQ(*database->query_integer("SELECT max(id) FROM t"), wanted["max_id"].get<std::int64_t>());
    EXPECT_EQ(*database->query_integer("SELECT sum(length(v)) FROM t"), wanted["sum_len"].get<std::int64_t>());
    EXPECT_EQ(*database->query_text("SELECT v FROM t WHERE id = 1"), wanted["row1"].get<std::string>());
    EXPECT_EQ(std::distance(fs::directory_iterator(output_.parent_path()), fs::directory_iterator()), 1);
  }

  os::testing::TempDir directory_;
  os::testing::TempDir output_directory_;
  fs::path bucket_ = directory_ / "bucket";
  fs::path output_ = output_directory_ / "out.db";
  json expected_;
};
INSTANTIATE_TEST_SUITE_P(Golden, RestoreGeneration, ::testing::Values("single-generation", "two-generations"));

TEST_P(RestoreGeneration, NewestStateIsTheReferences) {
  const auto report = run(std::nullopt);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->txid, base::Txid{0});
  expect_content(expected_["latest_v05_algorithm"]);
}

TEST_P(RestoreGeneration, StateOfEveryTimeIsTheReferences) {
  for (const json& at : expected_["at"]) {
    const std::string text = at["timestamp"];
    std::tm tm{};
    ASSERT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm), nullptr);
    const auto report = run(base::UnixMillis{timegm(&tm) * 1000 + std::stoi(text.substr(20, 3))});
    const json& wanted = at["v05_algorithm"];
    if (wanted.contains("error")) {
      ASSERT_FALSE(report) << text;
      EXPECT_EQ(report.error().category, Category::not_found) << report.error().message;
      continue;
    }
    ASSERT_TRUE(report) << text << ": " << report.error().message;
    expect_content(wanted);
  }
}

TEST_P(RestoreGeneration, DamageIsNamedAndLeavesNothing) {
  fs::path victim;
  for (const auto& entry : fs::recursive_directory_iterator(bucket_)) {
    const bool used = entry.path().filename() == "00000000_00000000.wal.lz4";
    if (used && (victim.empty() || entry.path().string().find("1d96") != std::string::npos)) victim = entry.path();
  }
  std::string bytes = os::testing::read_text(victim);
  const auto modified = fs::last_write_time(victim);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  os::testing::write_text(victim, bytes);
  fs::last_write_time(victim, modified);
  const auto report = run(std::nullopt);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::corrupt);
  EXPECT_NE(report.error().message.find("00000000_00000000.wal.lz4"), std::string::npos) << report.error().message;
  EXPECT_TRUE(fs::is_empty(output_.parent_path()));
}

}  // namespace
}  // namespace engine
