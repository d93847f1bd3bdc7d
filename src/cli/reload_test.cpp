#include "cli/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// The daemon's command with this file.
RunDaemon with_file(const std::string& text) {
  Surroundings surroundings = empty_surroundings();
  surroundings.read_file = [text](const std::filesystem::path&) { return text; };
  const std::vector<std::string> arguments{"-config", "f"};
  auto command = parse_command_line(arguments, surroundings);
  if (command) return std::get<RunDaemon>(std::move(*command));
  ADD_FAILURE() << command.error().message;
  return {};
}

const std::string kBase = "bucket = \"bbb\"\nwatch-dir = [\"/a\"]\n";

TEST(Reload, WhatCanChangeDoesAndTheRestIsNamed) {
  const RunDaemon running = with_file(kBase);
  const RunDaemon wanted = with_file(
      "bucket = \"other\"\nwatch-dir = [\"/a\"]\nport = 9\nsync-interval = \"5s\"\nlog-level = \"debug\"\n"
      "log-format = \"json\"\nno-wal-switch = true\nshutdown-timeout = \"1s\"\nprice-get = 2\n");
  const Reload plan = plan_reload(running, wanted);
  std::vector<std::string> changed, postponed;
  for (const SettingChange& change : plan.changed) changed.push_back(change.name);
  for (const SettingChange& change : plan.postponed) postponed.push_back(change.name);
  EXPECT_THAT(changed, ElementsAre("sync-interval", "no-wal-switch", "price-get", "shutdown-timeout", "log-level",
                                   "log-format"));
  EXPECT_THAT(postponed, ElementsAre("bucket", "port"));
  EXPECT_EQ(plan.changed[0], (SettingChange{"sync-interval", "1s", "5s", "f:4:1"}));
  const Options& now = plan.running.options;
  EXPECT_EQ(now.client, (engine::ClientPolicy{.sync_interval = 5s, .switch_to_wal = false}));
  EXPECT_EQ(now.log.level, base::log::Level::debug);
  EXPECT_EQ(now.log.format, base::log::Format::json);
  EXPECT_EQ(now.shutdown_timeout, 1s);
  EXPECT_EQ(now.prices.get_per_1000, 2);
  EXPECT_EQ(now.store.bucket, "bbb");
  EXPECT_EQ(now.port, 8080);
}

TEST(Reload, WhatWasPostponedIsNamedAgainAndForgottenWhenItIsTakenBack) {
  const Reload plan = plan_reload(with_file(kBase), with_file(kBase + "port = 9\n"));
  EXPECT_EQ(plan_reload(plan.running, with_file(kBase + "port = 9\n")).postponed.size(), 1U);
  EXPECT_THAT(plan_reload(plan.running, with_file(kBase)).postponed, IsEmpty());
}

TEST(Reload, TheSameFileChangesNothing) {
  const Reload plan = plan_reload(with_file(kBase), with_file(kBase));
  EXPECT_THAT(plan.changed, IsEmpty());
  EXPECT_THAT(plan.postponed, IsEmpty());
  EXPECT_FALSE(plan.client_blocks_changed);
}

TEST(Reload, DirectoriesAreAddedButNotGivenUpAndTheStateStaysWhereItIs) {
  const Reload added = plan_reload(with_file(kBase), with_file("bucket = \"bbb\"\nwatch-dir = [\"/new\", \"/a\"]\n"));
  EXPECT_THAT(added.running.options.watch_dirs, ElementsAre("/a", "/new"));
  EXPECT_EQ(state_directory(added.running.options), "/a/.litestream-manager");
  EXPECT_EQ(added.changed.size(), 1U);
  EXPECT_THAT(added.postponed, IsEmpty());
  const Reload exchanged = plan_reload(with_file(kBase), with_file("bucket = \"bbb\"\nwatch-dir = [\"/new\"]\n"));
  EXPECT_THAT(exchanged.running.options.watch_dirs, ElementsAre("/a", "/new"));
  EXPECT_EQ(exchanged.changed.size(), 1U);
  EXPECT_EQ(exchanged.postponed.size(), 1U);
}

TEST(Reload, BlocksOfClientsAreTakenOver) {
  const RunDaemon wanted = with_file(kBase + "[[client]]\nmatch = \"x*\"\npaused = true\n");
  const Reload plan = plan_reload(with_file(kBase), wanted);
  EXPECT_TRUE(plan.client_blocks_changed);
  EXPECT_EQ(plan.running.options.client_blocks, wanted.options.client_blocks);
  EXPECT_TRUE(plan_reload(plan.running, with_file(kBase)).client_blocks_changed);
}

}  // namespace
}  // namespace cli
