#include "engine/restore_survey.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "engine/restore.h"
#include "engine/restore_testing.h"
#include "os/testing.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using testing::BackupMaker;
using testing::key;
using testing::kReplica;

using Entries = std::vector<ltx::PageIndexEntry>;
using Ranges = std::vector<ByteRange>;

TEST(Coalesce, NeighboursBecomeOneRangeUpToTheLargestLength) {
  EXPECT_EQ(coalesce({}, 10, 100), Ranges{});
  const Entries next_to_each_other = {{1, 100, 30}, {2, 130, 30}, {3, 160, 30}, {4, 190, 30}};
  EXPECT_EQ(coalesce(next_to_each_other, 1, 1000), (Ranges{{100, 120}}));
  EXPECT_EQ(coalesce(next_to_each_other, 1, 90), (Ranges{{100, 90}, {190, 30}}));
  EXPECT_EQ(coalesce(next_to_each_other, 1, 10), (Ranges{{100, 30}, {130, 30}, {160, 30}, {190, 30}}));
}

TEST(Coalesce, ShortGapsAreReadAlongAndLongOnesAreNot) {
  const Entries with_gap = {{1, 100, 10}, {5, 150, 10}};
  EXPECT_EQ(coalesce(with_gap, 41, 1000), (Ranges{{100, 60}}));
  EXPECT_EQ(coalesce(with_gap, 40, 1000), (Ranges{{100, 10}, {150, 10}}));
}

class RestoreReads : public ::testing::Test {
 protected:
  RestoreOptions options() {
    RestoreOptions result;
    result.output = output_;
    result.integrity_check = IntegrityCheck::none;  // the pages are noise
    return result;
  }
  std::string restored() const { return os::testing::read_text(output_); }
  static std::string text(const base::Bytes& bytes) { return std::string(base::as_text(bytes)); }
  std::size_t count(storage::OperationKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(store_.operations(), kind, &storage::Operation::kind));
  }
  std::size_t gets_of(const std::string& object_key) const {
    return static_cast<std::size_t>(
        std::ranges::count(store_.operations(), storage::Operation{storage::OperationKind::get, object_key}));
  }

  os::testing::TempDir directory_;
  std::filesystem::path output_ = directory_ / "out.db";
  storage::MemoryStore store_;
};

TEST_F(RestoreReads, PagesThatNewerObjectsHaveAreNotFetchedAgain) {
  BackupMaker backup(store_);
  backup.write(1, 1000);
  for (int i = 0; i < 4; ++i) backup.write(101, 1000);
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(restored(), text(backup.file(5)));
  EXPECT_TRUE(report->checksum_proven);
  // 1,000 pages and a little, of 4,600 that are stored.
  EXPECT_LT(report->downloaded_bytes, 1100U * testing::kPageSize);
  EXPECT_EQ(count(storage::OperationKind::list), 1U);
  EXPECT_EQ(gets_of(key(0, 3, 3)), 1U) << "only its index";
}

TEST_F(RestoreReads, PagesOfTheMiddleAreCutOutOfAnObjectByItsIndex) {
  BackupMaker backup(store_);
  backup.write(1, 2000);
  backup.write(1, 700);
  backup.write(900, 2000);
  backup.write(5, 5);
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(restored(), text(backup.file(4)));
  EXPECT_LT(report->downloaded_bytes, 2300U * testing::kPageSize);
}

TEST_F(RestoreReads, WithoutAStatedChecksumEveryObjectIsReadWholeOrNotAtAll) {
  BackupMaker backup(store_, BackupMaker::Checksum::unknown);
  backup.write(1, 1000);
  backup.write(1, 700);
  backup.write(1, 700);
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(restored(), text(backup.file(3)));
  EXPECT_FALSE(report->checksum_proven);
  EXPECT_GT(report->downloaded_bytes, 1700U * testing::kPageSize);
  EXPECT_LT(report->downloaded_bytes, 1800U * testing::kPageSize);
}

TEST_F(RestoreReads, DamageInPagesThatWereCutOutIsFoundByTheDatabaseChecksumAndNamedByTheFileChecksum) {
  BackupMaker backup(store_);
  backup.write(1, 2000);
  backup.write(1, 1500);
  // Noise is stored as it is, so a bit of it changes nothing but the page.
  base::Bytes damaged = *store_.peek(key(0, 1, 1));
  damaged[damaged.size() - damaged.size() / 8] ^= 1;
  backup.put(key(0, 1, 1), damaged);
  const auto report = restore(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::corrupt);
  EXPECT_NE(report.error().message.find(key(0, 1, 1) + ": LTX file: the file checksum differs"), std::string::npos)
      << report.error().message;
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(RestoreReads, AWrongStatedChecksumIsCorruptWhenEveryFileIsWhole) {
  BackupMaker backup(store_);
  backup.write(1, 200);
  backup.checksum_error = 1;
  backup.write(1, 150);
  const auto report = restore(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::corrupt);
  EXPECT_NE(report.error().message.find(key(0, 2, 2) + ": states database checksum"), std::string::npos)
      << report.error().message;
}

TEST_F(RestoreReads, ADamagedObjectIsDoneWithoutWhereOthersHoldTheSame) {
  BackupMaker backup(store_);
  backup.write(1, 100);
  backup.write(1, 50);
  backup.write(20, 60);
  backup.merge(1, 1, backup.pages());
  base::Bytes damaged = *store_.peek(key(1, 1, 3));
  damaged[500] ^= 1;
  backup.put(key(1, 1, 3), damaged);
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(restored(), text(backup.file(3)));
  ASSERT_EQ(report->damaged.size(), 1U);
  EXPECT_NE(report->damaged.front().find(key(1, 1, 3)), std::string::npos);
}

TEST_F(RestoreReads, DamageThatNothingMakesGoodNamesTheNearestStateThatIsWhole) {
  BackupMaker backup(store_);
  backup.write(1, 100);
  backup.write(1, 50);
  backup.write(20, 60);
  base::Bytes damaged = *store_.peek(key(0, 3, 3));
  damaged[500] ^= 1;
  backup.put(key(0, 3, 3), damaged);
  const auto report = restore(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("the newest point is TXID 0000000000000002"), std::string::npos)
      << report.error().message;
}

TEST_F(RestoreReads, WhatWasReadStaysWhenAnObjectGoesAwayMeanwhile) {
  BackupMaker backup(store_);
  backup.write(1, 3000);
  backup.write(10, 10);
  // Its 12 MB come in 12 parts; it is gone when the eighth is asked for, and the next listing has it again.
  const std::string image = key(0, 1, 1);
  unsigned asked = 0;
  store_.fail_next(
      [&](const storage::Operation& o) {
        return o.kind == storage::OperationKind::get && o.key == image && ++asked == 8;
      },
      {Category::not_found, "gone", std::nullopt});
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(restored(), text(backup.file(2)));
  EXPECT_TRUE(report->checksum_proven);
  EXPECT_EQ(count(storage::OperationKind::list), 2U);
  EXPECT_LE(gets_of(image), 12U + 1 + 6) << "all of it, its index, and what is missing";
}

TEST_F(RestoreReads, AnImpossibleSizeInAHeaderIsRefusedBeforeMemoryIsTaken) {
  BackupMaker backup(store_);
  backup.write(1, 10);
  base::Bytes damaged = *store_.peek(key(0, 1, 1));
  base::store_be32(damaged.data() + 12, 0xfffffff0);
  backup.put(key(0, 1, 1), damaged);
  const auto report = restore(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("more than its backup can hold"), std::string::npos) << report.error().message;
}

}  // namespace
}  // namespace engine
