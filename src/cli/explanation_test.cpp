#include "cli/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Explanation example() {
  Explanation explanation;
  explanation.settings = {
      {"bucket", {"backups", "lm.toml:1:1"}, {}, ValueType::text, "", Effect::at_restart},
      {"region", {"", "default"}, {}, ValueType::text, "", Effect::at_restart},
      {"sync-interval",
       {"2s", "-sync-interval"},
       {{"3s", "LITESTREAM_MANAGER_SYNC_INTERVAL"}, {"1s", "default"}},
       ValueType::duration,
       "1ms to 24h",
       Effect::at_reload},
  };
  explanation.client_blocks = {{"acme/*", "lm.toml:5:1", {}}};
  return explanation;
}

TEST(Explanation, TableTellsValueUnitOriginAndWhatWasOverridden) {
  EXPECT_EQ(explanation_text(example()),
            "bucket         backups    text                  lm.toml:1:1\n"
            "region         (not set)  text                  default\n"
            "sync-interval  2s         duration, 1ms to 24h  -sync-interval\n"
            "               instead of 3s from LITESTREAM_MANAGER_SYNC_INTERVAL\n"
            "\nother for clients that match (litestream-manager explain GUID shows one):\n"
            "  acme/*  lm.toml:5:1\n");
}

TEST(Explanation, ForAClientTheBlocksAreNotListedAgain) {
  Explanation explanation = example();
  explanation.client = {"the-id", "acme/the-id.db"};
  EXPECT_THAT(explanation_text(explanation), HasSubstr("client the-id, file acme/the-id.db\n\n"));
  EXPECT_THAT(explanation_text(explanation), Not(HasSubstr("other for clients")));
  explanation.client->path.clear();
  EXPECT_THAT(explanation_text(explanation), HasSubstr("no file of that name"));
}

TEST(Explanation, JsonHasTheSameFacts) {
  Explanation explanation = example();
  explanation.mistakes = {"something"};
  const auto json = nlohmann::json::parse(explanation_json(explanation));
  EXPECT_EQ(json["settings"][0]["value"], "backups");
  EXPECT_TRUE(json["settings"][1]["value"].is_null());
  const auto& interval = json["settings"][2];
  EXPECT_EQ(interval["origin"], "-sync-interval");
  EXPECT_EQ(interval["type"], "duration");
  EXPECT_EQ(interval["range"], "1ms to 24h");
  EXPECT_EQ(interval["effect"], "reload");
  EXPECT_EQ(interval["insteadOf"][1]["origin"], "default");
  EXPECT_EQ(json["clientBlocks"][0]["match"], "acme/*");
  EXPECT_EQ(json["mistakes"][0], "something");
  EXPECT_TRUE(json["client"].is_null());
}

TEST(Explanation, JsonIsWrittenAlsoForBytesThatAreNoText) {
  Explanation explanation;
  explanation.settings = {
      {"watch-dir", {"/srv/\xff", "-watch-dir"}, {}, ValueType::directories, "", Effect::at_restart}};
  EXPECT_TRUE(nlohmann::json::accept(explanation_json(explanation)));
}

}  // namespace
}  // namespace cli
