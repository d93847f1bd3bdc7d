#include "fleet/registry.h"

#include <gtest/gtest.h>

namespace fleet {
namespace {

Entry entry_of(const std::string& id, const std::string& path) {
  Entry entry;
  entry.id = base::DatabaseId{id};
  entry.path = path;
  return entry;
}

TEST(Registry, FindsByPathAndByIdWhateverItsCase) {
  Registry registry;
  Entry& added = registry.add(entry_of("Ab-12", "/c/Ab-12.db"));
  EXPECT_EQ(registry.find_by_path("/c/Ab-12.db"), &added);
  EXPECT_EQ(registry.find_by_id("Ab-12"), &added);
  EXPECT_EQ(registry.find_by_id("aB-12"), &added);
  EXPECT_EQ(registry.entries().size(), 1U);
}

TEST(Registry, KnowsNobodyElse) {
  Registry registry;
  registry.add(entry_of("ab", "/c/ab.db"));
  EXPECT_EQ(registry.find_by_path("/c/AB.db"), nullptr) << "paths are not folded";
  EXPECT_EQ(registry.find_by_path("/d/ab.db"), nullptr);
  EXPECT_EQ(registry.find_by_id("abc"), nullptr);
}

TEST(Registry, FollowsAMoveByPathAndKeepsTheId) {
  Registry registry;
  Entry& entry = registry.add(entry_of("ab", "/c/ab.db"));
  registry.move(entry, "/d/ab.db");
  EXPECT_EQ(entry.path, "/d/ab.db");
  EXPECT_EQ(registry.find_by_path("/c/ab.db"), nullptr);
  EXPECT_EQ(registry.find_by_path("/d/ab.db"), &entry);
  EXPECT_EQ(registry.find_by_id("ab"), &entry);
}

TEST(Registry, EntriesStayWhereTheyAreWhileOthersCome) {
  Registry registry;
  Entry& first = registry.add(entry_of("first", "/c/first.db"));
  for (int i = 0; i < 1000; ++i) registry.add(entry_of("c" + std::to_string(i), "/c/" + std::to_string(i)));
  EXPECT_EQ(registry.find_by_id("FIRST"), &first);
  EXPECT_EQ(first.path, "/c/first.db");
}

}  // namespace
}  // namespace fleet
