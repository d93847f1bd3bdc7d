#include "engine/inventory_audit.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

constexpr storage::LtxName name(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
  return {base::Level{level}, base::Txid{min}, base::Txid{max}};
}

RecordedBackup recorded(std::initializer_list<storage::LtxName> present,
                        std::initializer_list<storage::LtxName> unsettled = {}) {
  RecordedBackup backup;
  backup.objects.emplace();
  for (const storage::LtxName& n : present) {
    backup.objects->push_back({.min = n.min, .max = n.max, .size_bytes = 100, .level = n.level});
  }
  backup.unsettled = unsettled;
  return backup;
}

std::vector<history::BackupFile> listed(std::initializer_list<storage::LtxName> names, std::uint64_t size = 100) {
  std::vector<history::BackupFile> files;
  for (const storage::LtxName& n : names) files.push_back({n, {}, size, {}});
  return files;
}

TEST(InventoryAudit, FindsNothingWhereBothAgree) {
  const auto both = recorded({name(0, 1, 1), name(0, 2, 2), name(9, 1, 2)});
  EXPECT_TRUE(compare_inventory(both, both, listed({name(0, 1, 1), name(0, 2, 2), name(9, 1, 2)})).empty());
}

TEST(InventoryAudit, NamesWhatIsMissingUnknownAndOfAnotherSize) {
  const auto both = recorded({name(0, 1, 1), name(0, 2, 2)});
  const auto lost = compare_inventory(both, both, listed({name(0, 2, 2), name(1, 1, 2)}));
  EXPECT_EQ(lost.missing, std::vector{name(0, 1, 1)});
  EXPECT_EQ(lost.unknown, std::vector{name(1, 1, 2)});
  EXPECT_TRUE(lost.resized.empty());
  const auto resized = compare_inventory(both, both, listed({name(0, 1, 1), name(0, 2, 2)}, 99));
  EXPECT_EQ(resized.resized, (std::vector{name(0, 1, 1), name(0, 2, 2)}));
  EXPECT_TRUE(resized.missing.empty() && resized.unknown.empty());
}

TEST(InventoryAudit, WhatADaemonDoesMeanwhileIsNoDifference) {
  // Stored since, merged since, removed since; the listing may have seen either side of each.
  const auto before = recorded({name(0, 1, 1), name(0, 2, 2)});
  const auto after = recorded({name(0, 2, 2), name(0, 3, 3), name(1, 1, 2)});
  EXPECT_TRUE(compare_inventory(before, after, listed({name(0, 1, 1), name(0, 2, 2)})).empty());
  EXPECT_TRUE(compare_inventory(before, after, listed({name(0, 2, 2), name(0, 3, 3), name(1, 1, 2)})).empty());
}

TEST(InventoryAudit, AnUploadWhoseAnswerIsNotRecordedYetIsNoDifference) {
  auto both = recorded({name(0, 1, 1)});
  both.client.txid = base::Txid{1};
  both.client.attempted = base::Txid{2};
  EXPECT_TRUE(compare_inventory(both, both, listed({name(0, 1, 1), name(0, 2, 2)})).empty());
  EXPECT_EQ(compare_inventory(both, both, listed({name(0, 1, 1), name(0, 3, 3)})).unknown, std::vector{name(0, 3, 3)});
}

TEST(InventoryAudit, WhatIsBeingWrittenOrDeletedMayBeThereOrNot) {
  const auto both = recorded({name(0, 2, 2)}, {name(0, 1, 1), name(1, 1, 2)});
  EXPECT_TRUE(compare_inventory(both, both, listed({name(0, 1, 1), name(0, 2, 2), name(1, 1, 2)})).empty());
  EXPECT_TRUE(compare_inventory(both, both, listed({name(0, 2, 2)})).empty());
}

}  // namespace
}  // namespace engine
