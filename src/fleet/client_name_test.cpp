#include "fleet/client_name.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fleet {
namespace {

const std::string kGuid = "0f9e8d7c-1234-4abc-8DEF-001122334455";

TEST(ClientName, IsAGuidWithAnExtensionOfADatabase) {
  for (const std::string extension : {".db", ".sqlite", ".sqlite3"}) {
    EXPECT_EQ(parse_client_name(kGuid + extension), base::DatabaseId{kGuid}) << extension;
  }
}

TEST(ClientName, KeepsItsCase) {
  const std::string upper = "0F9E8D7C-1234-4ABC-8DEF-001122334455";
  EXPECT_EQ(parse_client_name(upper + ".db")->value, upper);
}

TEST(ClientName, AnythingElseIsNoClient) {
  const std::vector<std::string> names{"",
                                       ".db",
                                       kGuid,
                                       kGuid + ".DB",
                                       kGuid + ".db3",
                                       kGuid + ".db.bak",
                                       kGuid + ".db-wal",
                                       "x" + kGuid + ".db",
                                       "{" + kGuid + "}.db",
                                       kGuid.substr(1) + ".db",
                                       "0f9e8d7c12344abc8def001122334455.db",
                                       "0f9e8d7c-1234-4abc-8def_001122334455.db",
                                       "0f9e8d7g-1234-4abc-8def-001122334455.db",
                                       "0f9e8d7c-12344-abc-8def-001122334455.db",
                                       "app.db"};
  for (const std::string& name : names) EXPECT_EQ(parse_client_name(name), std::nullopt) << name;
}

TEST(ClientName, FoldsOnlyCase) {
  EXPECT_EQ(fold_case("ABC-def-09"), "abc-def-09");
  EXPECT_NE(fold_case("a"), fold_case("b"));
}

TEST(ClientFile, KnowsTheRoleOfEachFile) {
  const std::vector<std::pair<std::string, FileRole>> roles{
      {"", FileRole::database}, {"-wal", FileRole::log}, {"-shm", FileRole::index}, {"-journal", FileRole::journal}};
  for (const auto& [suffix, role] : roles) {
    const std::string name = kGuid + ".sqlite" + suffix;
    const auto file = parse_client_file(name);
    ASSERT_TRUE(file.has_value()) << name;
    EXPECT_EQ(file->role, role) << name;
    EXPECT_EQ(file->database_name, kGuid + ".sqlite") << name;
  }
}

TEST(ClientFile, OfNobody) {
  for (const std::string& name : {std::string("app.db-wal"), kGuid + "-wal", kGuid + ".db-wal-wal", kGuid + ".db-foo",
                                  std::string("-wal"), std::string()}) {
    EXPECT_FALSE(parse_client_file(name).has_value()) << name;
  }
}

TEST(CompanionToOpen, IsTheOtherOneOfLogAndIndex) {
  EXPECT_EQ(companion_to_open(kGuid + ".db-wal"), kGuid + ".db-shm");
  EXPECT_EQ(companion_to_open(kGuid + ".db-shm"), kGuid + ".db-wal");
}

TEST(CompanionToOpen, NothingElseIsOpened) {
  for (const std::string& name : {kGuid + ".db", kGuid + ".db-journal", std::string("app.db-wal"), std::string()}) {
    EXPECT_EQ(companion_to_open(name), "") << name;
  }
}

}  // namespace
}  // namespace fleet
