#include "engine/verify.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/restore_testing.h"
#include "engine/verification_log.h"
#include "os/testing.h"
#include "sqlite/connection.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using testing::BackupMaker;
using testing::key;
using testing::kReplica;
using testing::RestorePages;

// A backup of five states, and what the daemon that made it has recorded.
class Drill : public ::testing::Test {
 protected:
  void SetUp() override {
    backup_.write(1, 300);
    for (std::uint32_t i = 1; i < 5; ++i) backup_.write(i * 40, i * 40 + 20);
    recorded_ = record_all();
  }

  RecordedBackup record_all() {
    RecordedBackup recorded;
    recorded.client.txid = base::Txid{backup_.txid()};
    recorded.client.path = (directory_ / "source.db").string();
    ltx::DatabaseChecksum sum;
    for (const auto& [number, page] : backup_.pages()) sum.toggle(ltx::page_checksum(number, page));
    recorded.database_checksum = sum.value();
    recorded.objects.emplace();
    for (const std::string& stored : store_.keys()) {
      const auto name = storage::parse_ltx_key(storage::KeyLayout::s3, kReplica, stored);
      if (!name) continue;
      recorded.objects->push_back(
          {.min = name->min, .max = name->max, .size_bytes = store_.peek(stored)->size(), .level = name->level});
    }
    return recorded;
  }

  VerifyOptions options(bool with_record = true) {
    VerifyOptions result;
    result.scratch_directory = directory_.path();
    if (with_record) result.record = [this] { return std::optional(recorded_); };
    return result;
  }

  VerifyReport verify(const VerifyOptions& with) {
    auto report = verify_backup(store_, kReplica, with);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *std::move(report) : VerifyReport{};
  }

  // With and without the daemon's record, where both have to see it.
  void expect_failure(const std::string& object, const std::string& text, bool with_record) {
    const VerifyReport report = verify(options(with_record));
    EXPECT_EQ(report.verdict, BackupVerdict::failure);
    const bool named = std::ranges::any_of(report.findings, [&](const Finding& finding) {
      return finding.verdict == BackupVerdict::failure && finding.object == object && finding.text.contains(text);
    });
    std::string all;
    for (const Finding& finding : report.findings) all += finding.object + ": " + finding.text + "\n";
    EXPECT_TRUE(named) << "wanted " << object << ": " << text << "; found:\n" << all;
  }

  void remove(const std::string& object) { ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{object}})); }
  void change(const std::string& object, const std::function<void(base::Bytes&)>& how) {
    base::Bytes bytes = *store_.peek(object);
    how(bytes);
    backup_.put(object, bytes);
  }

  os::testing::TempDir directory_;
  storage::MemoryStore store_;
  BackupMaker backup_{store_};
  RecordedBackup recorded_;
};

TEST_F(Drill, AWholeBackupIsOkAndEveryByteWasRead) {
  for (const bool with_record : {true, false}) {
    const VerifyReport report = verify(options(with_record));
    EXPECT_EQ(report.verdict, BackupVerdict::ok) << report.findings.front().text;
    EXPECT_TRUE(report.state.checksum_proven);
    EXPECT_EQ(report.state.txid, base::Txid{5});
    std::uint64_t bytes = 0;
    for (const std::string& object : store_.keys()) bytes += store_.peek(object)->size();
    EXPECT_GE(report.state.downloaded_bytes, bytes);
  }
}

TEST_F(Drill, AMissingObjectIsNamed) {
  remove(key(0, 3, 3));
  expect_failure(key(0, 3, 3), "is missing", true);
  expect_failure("", "cannot be restored", false);
}

TEST_F(Drill, AMissingObjectThatOthersHoldIsAWarning) {
  backup_.merge(9, 1, backup_.pages());
  recorded_ = record_all();
  remove(key(9, 1, 5));
  const VerifyReport report = verify(options());
  EXPECT_EQ(report.verdict, BackupVerdict::warning);
  EXPECT_EQ(report.findings.front().object, key(9, 1, 5));
}

TEST_F(Drill, TheNewestObjectThatIsMissingIsNoticedByTheRecord) {
  remove(key(0, 5, 5));
  expect_failure(key(0, 5, 5), "is missing", true);
  recorded_.objects.reset();
  expect_failure("", "ends at TXID 0000000000000004", true);
}

TEST_F(Drill, AFlippedBitIsNamedWhereverItIs) {
  for (const std::string& object : store_.keys()) {
    const base::Bytes before = *store_.peek(object);
    for (const std::size_t at : {std::size_t{50}, before.size() / 2, before.size() - 30, before.size() - 1}) {
      change(object, [at](base::Bytes& bytes) { bytes[at] ^= 1; });
      expect_failure(object, "", false);
      backup_.put(object, before);
    }
  }
}

TEST_F(Drill, AFlippedBitInPagesThatNewerObjectsReplaceIsNamedToo) {
  backup_.write(1, 300);
  recorded_ = record_all();
  change(key(0, 2, 2), [](base::Bytes& bytes) { bytes[bytes.size() / 2] ^= 1; });
  expect_failure(key(0, 2, 2), "", true);
}

TEST_F(Drill, DamageThatOthersHoldTheSameOfIsAWarning) {
  backup_.merge(1, 2, [&] {
    RestorePages pages;
    for (std::uint32_t page = 40; page <= 180; ++page) pages[page] = backup_.pages().at(page);
    return pages;
  }());
  change(key(1, 2, 5), [](base::Bytes& bytes) { bytes[bytes.size() / 2] ^= 1; });
  const VerifyReport report = verify(options(false));
  EXPECT_EQ(report.verdict, BackupVerdict::warning);
  EXPECT_EQ(report.findings.front().object, key(1, 2, 5));
  EXPECT_TRUE(report.state.checksum_proven) << "the newest state was read nevertheless";
}

TEST_F(Drill, ATruncatedObjectIsNamed) {
  for (const std::size_t left : {std::size_t{0}, std::size_t{99}, std::size_t{40'000}}) {
    const base::Bytes before = *store_.peek(key(0, 2, 2));
    change(key(0, 2, 2), [left](base::Bytes& bytes) { bytes.resize(left); });
    expect_failure(key(0, 2, 2), "truncated", true);
    const VerifyReport report = verify(options(false));
    EXPECT_EQ(report.verdict, BackupVerdict::failure);
    ASSERT_FALSE(report.findings.empty());
    EXPECT_TRUE((report.findings.front().object + report.findings.front().text).contains(key(0, 2, 2)));
    backup_.put(key(0, 2, 2), before);
  }
}

TEST_F(Drill, AStaleObjectIsNamedAlthoughItIsWhole) {
  for (const bool same_beginning : {false, true}) {
    storage::MemoryStore other_store;
    BackupMaker other(other_store);  // the same key, another history
    other.write(1, 300);
    if (!same_beginning) other.alter(7, 99);
    other.write(40, 60);
    other.write(81, 101);
    const base::Bytes before = *store_.peek(key(0, 3, 3));
    change(key(0, 3, 3), [&](base::Bytes& bytes) { bytes = *other_store.peek(key(0, 3, 3)); });
    for (const bool with_record : {false, true}) {
      // One that goes on from the same state fits, and what follows does not.
      expect_failure(key(0, same_beginning ? 4 : 3, same_beginning ? 4 : 3),
                     same_beginning ? key(0, 3, 3) : "is of another history", with_record);
    }
    backup_.put(key(0, 3, 3), before);
  }
}

TEST_F(Drill, AStaleNewestObjectThatFitsIsNoticedByTheRecord) {
  // What an older copy of the bucket would hold: TXID 5 of a history that went apart after 4.
  storage::MemoryStore other_store;
  BackupMaker other(other_store);
  other.write(1, 300);
  for (std::uint32_t i = 1; i < 4; ++i) other.write(i * 40, i * 40 + 20);
  other.write(200, 220);
  change(key(0, 5, 5), [&](base::Bytes& bytes) { bytes = *other_store.peek(key(0, 5, 5)); });
  EXPECT_EQ(verify(options(false)).verdict, BackupVerdict::ok) << "nobody could know without the record";
  expect_failure("", "another history", true);
}

TEST_F(Drill, AnEmptiedBucketIsAFailureAndAnUnknownClientIsNotFound) {
  for (const std::string& object : store_.keys()) remove(object);
  expect_failure("", "cannot be restored", true);
  const auto unknown = verify_backup(store_, kReplica, options(false));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().category, Category::not_found);
}

TEST_F(Drill, AStoreThatDoesNotAnswerGivesNoVerdict) {
  store_.fail_next([](const storage::Operation& o) { return o.kind == storage::OperationKind::get; },
                   {Category::denied, "no permission", std::nullopt}, 100);
  const auto report = verify_backup(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::denied);
}

TEST_F(Drill, WhatSqliteFindsInAProvenBackupIsTheSourcesFault) {
  VerifyOptions with = options();
  with.integrity_check = IntegrityCheck::quick;  // the pages are noise, and were so when they were stored
  const VerifyReport report = verify(with);
  EXPECT_EQ(report.verdict, BackupVerdict::failure);
  EXPECT_TRUE(report.state.checksum_proven);
  EXPECT_TRUE(report.findings.front().text.contains("the backup holds it exactly as it was"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path())) << "nothing is left of the scratch file";
}

// A real database as the source, and a backup of its pages.
class SourceDrill : public ::testing::Test {
 protected:
  void SetUp() override {
    {
      os::testing::SqliteShell(path_).run("CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(200000));");
    }
    set_changed_at(kRead - std::chrono::minutes(30));
    const std::string file = os::testing::read_text(path_);
    RestorePages pages;
    for (std::size_t at = 0; at < file.size(); at += testing::kPageSize) {
      const base::ByteView page = base::as_bytes(std::string_view(file).substr(at, testing::kPageSize));
      pages[static_cast<std::uint32_t>(at / testing::kPageSize + 1)] = base::Bytes(page.begin(), page.end());
    }
    backup_.write(pages);
    recorded_.client.path = path_.string();
    recorded_.client.txid = base::Txid{1};
    recorded_.client.last_replicated = kRead + std::chrono::minutes(30);
  }

  // When the state that is stored was read, as its object says.
  static constexpr base::UnixMillis kRead{1'700'000'001'000};

  void set_changed_at(base::UnixMillis at) { ASSERT_TRUE(os::set_modified_time(path_, at)); }

  void set_age(std::chrono::milliseconds age) { set_changed_at(base::system_clock().unix_now() - age); }

  VerifyReport verify() {
    VerifyOptions options;
    options.record = [this] { return std::optional(recorded_); };
    options.closer = &closer_;
    auto report = verify_backup(store_, kReplica, options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *std::move(report) : VerifyReport{};
  }

  os::testing::TempDir directory_;
  std::filesystem::path path_ = directory_ / "source.db";
  os::FileCloser closer_;
  storage::MemoryStore store_;
  BackupMaker backup_{store_};
  RecordedBackup recorded_;
};

TEST_F(SourceDrill, ALiveFileThatHoldsTheSameIsEqual) {
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, BackupVerdict::ok);
  EXPECT_EQ(report.source, SourceComparison::equal) << report.source_note;
}

TEST_F(SourceDrill, ALiveFileThatDivergedIsAFailureThatLeavesTheBackupAlone) {
  std::string file = os::testing::read_text(path_);
  file[50'000] ^= 1;
  os::testing::write_text(path_, file);
  set_changed_at(kRead - std::chrono::milliseconds(1));
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, BackupVerdict::failure);
  EXPECT_EQ(report.source, SourceComparison::differs);
  EXPECT_TRUE(report.findings.front().text.contains(path_.string()));
  EXPECT_TRUE(report.findings.front().text.contains("The backup is whole"));
}

TEST_F(SourceDrill, AChangeThatCameWhileTheObjectWasOnItsWayIsNoDamage) {
  {
    os::testing::SqliteShell(path_).run("INSERT INTO t VALUES(1);");
  }
  set_changed_at(kRead);
  const VerifyReport report = verify();
  EXPECT_EQ(report.verdict, BackupVerdict::warning);  // it is late by now
  EXPECT_EQ(report.source, SourceComparison::not_compared);
}

TEST_F(SourceDrill, ChangesThatAreNotStoredYetAreNoFaultUntilTheyAreLate) {
  {
    os::testing::SqliteShell(path_).run("INSERT INTO t VALUES(1);");
  }
  set_age(std::chrono::seconds(2));
  VerifyReport report = verify();
  EXPECT_EQ(report.verdict, BackupVerdict::ok);
  EXPECT_EQ(report.source, SourceComparison::not_compared);
  set_age(std::chrono::minutes(20));
  report = verify();
  EXPECT_EQ(report.verdict, BackupVerdict::warning);
  EXPECT_TRUE(report.findings.front().text.contains("is not stored yet"));
}

TEST_F(SourceDrill, AClientThatWentOnMeanwhileIsNotCompared) {
  recorded_.client.txid = base::Txid{1};
  int asked = 0;
  VerifyOptions options;
  options.closer = &closer_;
  options.record = [&] {
    recorded_.client.txid = base::Txid{++asked > 2 ? 2U : 1U};
    return std::optional(recorded_);
  };
  const auto report = verify_backup(store_, kReplica, options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->verdict, BackupVerdict::ok);
  EXPECT_EQ(report->source, SourceComparison::not_compared);
}

TEST(VerificationLogTest, KeepsTheNewestOfEachClient) {
  const os::testing::TempDir directory;
  const auto path = directory / "verifications.db";
  VerificationRecord record{.id = base::DatabaseId{"a"},
                            .verdict = BackupVerdict::failure,
                            .txid = base::Txid{7},
                            .duration = std::chrono::milliseconds(12),
                            .read_bytes = 5,
                            .source = SourceComparison::differs,
                            .object = "key",
                            .text = "what"};
  {
    auto log = VerificationLog::open(path);
    ASSERT_TRUE(log) << log.error().message;
    for (int i = 1; i <= VerificationLog::kKeptPerClient + 5; ++i) {
      record.at = base::UnixMillis{i};
      ASSERT_TRUE(log->add(record));
    }
  }
  auto log = VerificationLog::open(path);
  ASSERT_TRUE(log);
  VerificationRecord other = record;
  other.id = base::DatabaseId{"b"};
  other.verdict = BackupVerdict::ok;
  ASSERT_TRUE(log->add(other));
  const auto all = log->of_client(record.id, 1000);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), std::size_t{VerificationLog::kKeptPerClient});
  EXPECT_EQ(all->front(), record);
  EXPECT_EQ(all->back().at, base::UnixMillis{6});
  EXPECT_EQ(log->newest().value(), (std::vector{record, other}));
}

}  // namespace
}  // namespace engine
