#include "cli/client_policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/client_match.h"
#include "cli/settings.h"

namespace cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* kId = "0A1b2c3d-0000-4000-8000-00000000000f";

TEST(ClientMatch, StarsAndQuestionMarksStandForCharactersOfIdOrPath) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  const Case cases[] = {
      {"*", "a.db", true},
      {"acme/*", "acme/x.db", true},
      {"acme/*", "acme/below/x.db", true},
      {"acme/*", "acme", false},
      {"acme-*", "acme-7/x.db", true},
      {"acme", "acme/x.db", false},
      {"*/x.db", "a/b/x.db", true},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXbYbZ", false},
      {"a**c", "ac", true},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"a?c", "ac", false},
      {"ACME/*", "acme/x.db", false},
      {"0a1b2c3d-*", "x.db", true},  // the id, in another case
      {"0A1B2C3D-0000-4000-8000-00000000000F", "x.db", true},
      {"0a1b2c3d", "x.db", false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(matches_client(c.pattern, kId, c.path), c.matches) << c.pattern << " " << c.path;
}

TEST(ClientMatch, LongRunsOfStarsAreQuick) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(matches_client(pattern + "b", kId, std::string(4000, 'a')));
}

TEST(ClientMatch, PatternsThatMeanSomethingElsewhereAreRefused) {
  for (const char* pattern : {"", "/srv/acme/*", "acme-[0-9]", "{a,b}", "a\\*"})
    EXPECT_FALSE(check_pattern(pattern)) << pattern;
  for (const char* pattern : {"*", "acme/*", "a b", "ü*"}) EXPECT_TRUE(check_pattern(pattern)) << pattern;
}

ClientBlock block(std::string match, std::vector<ConfigValue> values) {
  return {std::move(match), "lm.toml:1:1", std::move(values)};
}

const std::vector<ClientBlock> kBlocks{
    block("*", {{"sync-interval", {"10s"}, {2, 1}}}),
    block("acme/*", {{"sync-interval", {"2s"}, {5, 1}}, {"paused", {"true"}, {6, 1}}}),
    block("acme/special*", {{"paused", {"false"}, {9, 1}}, {"no-wal-switch", {"true"}, {10, 1}}}),
};

TEST(ClientPolicies, TheLastBlockThatSaysSomethingCountsForEachSetting) {
  ClientPolicies policies({.sync_interval = 1s}, kBlocks);
  EXPECT_EQ(*policies.of(kId, "other/x.db"), (engine::ClientPolicy{.sync_interval = 10s}));
  EXPECT_EQ(*policies.of(kId, "acme/x.db"), (engine::ClientPolicy{.sync_interval = 2s, .paused = true}));
  EXPECT_EQ(*policies.of(kId, "acme/special.db"), (engine::ClientPolicy{.sync_interval = 2s, .switch_to_wal = false}));
}

TEST(ClientPolicies, WhatIsKeptCanBeOtherForSomeClients) {
  const std::vector<ClientBlock> blocks{block("acme/*", {{"retention-window", {"7d"}, {2, 1}}}),
                                        block("acme/archive*", {{"retention", {"off"}, {5, 1}}})};
  ClientPolicies policies({}, blocks);
  EXPECT_EQ(policies.of(kId, "x.db")->retention, history::RetentionPolicy());
  EXPECT_EQ(policies.of(kId, "acme/x.db")->retention.window, std::chrono::days(7));
  EXPECT_FALSE(policies.of(kId, "acme/x.db")->retention.off);
  EXPECT_TRUE(policies.of(kId, "acme/archive.db")->retention.off);
}

TEST(ClientPolicies, ClientsOfTheSameBlocksShareOnePolicy) {
  ClientPolicies policies({}, kBlocks);
  EXPECT_EQ(policies.of(kId, "a"), policies.of("another", "b"));
  EXPECT_NE(policies.of(kId, "a"), policies.of(kId, "acme/b"));
}

TEST(ClientPolicies, AnExplanationNamesTheBlockAndWhatItOverrides) {
  engine::ClientPolicy for_all{.sync_interval = 7s};
  const std::vector<EffectiveSetting> known{
      {"sync-interval", {"7s", "-sync-interval"}, {}, ValueType::duration, "", Effect::at_reload}};
  const auto explained = explain_client(for_all, known, kBlocks, kId, "acme/x.db");
  const EffectiveSetting* interval = find_effective(explained, "sync-interval");
  ASSERT_NE(interval, nullptr);
  EXPECT_EQ(interval->holds, (SourcedValue{"2s", "lm.toml:5:1 [[client]] match \"acme/*\""}));
  ASSERT_EQ(interval->instead_of.size(), 2U);
  EXPECT_EQ(interval->instead_of[0].value, "10s");
  EXPECT_EQ(interval->instead_of[1], (SourcedValue{"7s", "-sync-interval"}));
  EXPECT_EQ(find_effective(explained, "paused")->holds.value, "true");
  EXPECT_EQ(find_effective(explained, "no-wal-switch")->holds, (SourcedValue{"false", "default"}));
}

}  // namespace
}  // namespace cli
