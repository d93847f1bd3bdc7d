#include "cli/query_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kGuid = "0a1b2c3d-0000-4000-8000-00000000000f";

using Words = std::vector<std::string>;

QueryRequest accepted(const Words& words) {
  auto command = parse_command_line(words);
  if (!command || !std::holds_alternative<Query>(*command)) {
    ADD_FAILURE() << (command ? "another command" : command.error().message);
    return {};
  }
  return std::get<Query>(*std::move(command)).request;
}

std::string refused(const Words& words) {
  const auto command = parse_command_line(words);
  if (command) return "accepted";
  EXPECT_EQ(command.error().category, base::Category::invalid);
  return command.error().message;
}

TEST(QueryArguments, AClientAndSqlAreEnough) {
  const QueryRequest request = accepted({"query", kGuid, "SELECT 1", "-bucket", "backups"});
  EXPECT_EQ(request.replica, std::string("databases/") + kGuid);
  EXPECT_EQ(request.store.bucket, "backups");
  EXPECT_EQ(request.sql, "SELECT 1");
  EXPECT_EQ(request.format, QueryFormat::table);
  EXPECT_FALSE(request.target.txid || request.target.before || request.stats);
  EXPECT_EQ(request.cache_mb, 256U);
  EXPECT_TRUE(request.cache_dir.empty());
}

TEST(QueryArguments, EverythingElseIsAFlag) {
  const QueryRequest request =
      accepted({"query", "-csv", "-stats", "-txid", "00000000000000ff", "-cache-mb", "8", "-cache-dir", "/var/cache/q",
                "-cache-dir-mb=5", std::string("s3://backups/databases/") + kGuid, "-"});
  EXPECT_EQ(request.store.bucket, "s3://backups");
  EXPECT_EQ(request.sql, "-");
  EXPECT_EQ(request.format, QueryFormat::csv);
  EXPECT_TRUE(request.stats);
  EXPECT_EQ(request.target.txid, base::Txid{255});
  EXPECT_EQ(request.cache_mb, 8U);
  EXPECT_EQ(request.cache_dir, "/var/cache/q");
  EXPECT_EQ(request.cache_dir_mb, 5U);
  EXPECT_EQ(accepted({"query", kGuid, "SELECT 1", "-bucket", "backups", "-json"}).format, QueryFormat::json);
  EXPECT_TRUE(accepted({"query", kGuid, "SELECT 1", "-bucket", "backups", "-at", "-2h"}).target.before);
}

TEST(QueryArguments, WhatIsMissingOrTooMuchIsNamed) {
  EXPECT_THAT(refused({"query"}),
              AllOf(HasSubstr("the GUID of one client"), HasSubstr("usage: litestream-manager query")));
  EXPECT_THAT(refused({"query", kGuid, "-bucket", "backups"}), HasSubstr("what shall be asked?"));
  EXPECT_THAT(refused({"query", kGuid, "SELECT", "1", "-bucket", "backups"}), HasSubstr("put the SQL in quotes"));
  EXPECT_THAT(refused({"query", kGuid, "SELECT 1"}), HasSubstr("-bucket"));
  EXPECT_THAT(refused({"query", "x.db", "SELECT 1", "-bucket", "backups"}), HasSubstr("x.db"));
  EXPECT_THAT(refused({"query", kGuid, "SELECT 1", "-bucket", "backups", "-csv", "-json"}),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refused({"query", kGuid, "SELECT 1", "-bucket", "backups", "-txid", "1", "-at", "-2h"}),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refused({"query", kGuid, "SELECT 1", "-bucket", "backups", "-cache-mb", "0"}), HasSubstr("1 to 1048576"));
}

TEST(QueryArguments, HelpIsReachedBothWays) {
  for (const Words& words : {Words{"query", "-help"}, Words{"help", "query"}}) {
    const auto command = parse_command_line(words);
    ASSERT_TRUE(command && std::holds_alternative<ShowHelp>(*command));
    EXPECT_THAT(std::get<ShowHelp>(*command).text, AllOf(HasSubstr("-cache-dir DIR"), HasSubstr("-at TIME")));
  }
  EXPECT_THAT(refused({"-stats", "query"}), HasSubstr("stats"));
}

}  // namespace
}  // namespace cli
