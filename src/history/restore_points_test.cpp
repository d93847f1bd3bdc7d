#include "history/restore_points.h"

#include <random>

#include <gtest/gtest.h>

namespace history {
namespace {

BackupFile file(std::uint8_t level, std::uint64_t min, std::uint64_t max, std::int64_t created_at = 1) {
  return {.name = {base::Level{level}, base::Txid{min}, base::Txid{max}},
          .key = {},
          .size_bytes = 1000,
          .created_at = base::UnixMillis{created_at}};
}

std::vector<std::uint64_t> txids(const std::vector<RestorePoint>& points) {
  std::vector<std::uint64_t> found;
  for (const RestorePoint& point : points) found.push_back(point.txid.value);
  return found;
}

TEST(RestorePoints, EndWhereObjectsEndThatAChainReaches) {
  // 5 lies behind a hole, the snapshot starts anew, and what is inside a merged file is no point.
  const std::vector<BackupFile> files = {file(0, 1, 1), file(1, 2, 3), file(0, 5, 5), file(9, 1, 7), file(0, 8, 8)};
  EXPECT_EQ(txids(restore_points(files)), (std::vector<std::uint64_t>{1, 3, 7, 8}));
  EXPECT_TRUE(restore_points({}).empty());
}

TEST(RestorePoints, HaveTheTimeOfTheFirstObjectThatEndsThere) {
  const std::vector<BackupFile> files = {file(9, 1, 2, 90), file(0, 1, 1, 10), file(1, 1, 2, 30), file(0, 2, 2, 20)};
  const auto points = restore_points(files);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[1].created_at, base::UnixMillis{20});
  EXPECT_EQ(points[1].object, 3U);
}

TEST(RestorePoints, NeighboursLeaveTheTxidItselfOut) {
  const std::vector<BackupFile> files = {file(0, 1, 1), file(0, 2, 2), file(0, 3, 3)};
  const auto points = restore_points(files);
  const auto around = [&](std::uint64_t txid) {
    const Neighbours found = neighbours(points, base::Txid{txid});
    return std::pair(found.before ? found.before->txid.value : 0, found.after ? found.after->txid.value : 0);
  };
  EXPECT_EQ(around(0), (std::pair<std::uint64_t, std::uint64_t>{0, 1}));
  EXPECT_EQ(around(2), (std::pair<std::uint64_t, std::uint64_t>{1, 3}));
  EXPECT_EQ(around(9), (std::pair<std::uint64_t, std::uint64_t>{3, 0}));
}

TEST(RestorePoints, AreExactlyThoseThatThePlannerFinds) {
  std::mt19937 dice(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<BackupFile> files;
    for (unsigned i = dice() % 8; i > 0; --i) {
      const std::uint64_t min = dice() % 8 + 1;
      const bool snapshot = dice() % 6 == 0;
      files.push_back(file(snapshot ? 9 : static_cast<std::uint8_t>(dice() % 3), snapshot ? 1 : min, min + dice() % 3));
    }
    std::vector<std::uint64_t> planned;
    for (std::uint64_t txid = 1; txid <= 11; ++txid) {
      if (plan_restore(files, {.txid = base::Txid{txid}, .before = {}})) planned.push_back(txid);
    }
    ASSERT_EQ(txids(restore_points(files)), planned) << "round " << round;
  }
}

}  // namespace
}  // namespace history
