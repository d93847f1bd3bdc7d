#include "cli/layers.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/settings.h"

namespace cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Layers : public testing::Test {
 protected:
  LayeredSettings assign(const std::vector<std::string>& arguments) {
    options_ = {};
    auto assigned = assign_layers(daemon_settings(options_), arguments, surroundings());
    if (assigned) return std::move(*assigned);
    ADD_FAILURE() << assigned.error().message;
    return {};
  }
  std::string refusal(const std::vector<std::string>& arguments) {
    options_ = {};
    const auto assigned = assign_layers(daemon_settings(options_), arguments, surroundings());
    return assigned ? "accepted" : assigned.error().message;
  }
  Surroundings surroundings() {
    return {[this](std::string_view name) -> std::optional<std::string> {
              const auto found = variables_.find(std::string(name));
              return found == variables_.end() ? std::nullopt : std::optional(found->second);
            },
            [this] {
              std::vector<std::string> names;
              for (const auto& [name, value] : variables_) names.push_back(name);
              return names;
            },
            [this](const std::filesystem::path& path) -> base::Result<std::string> {
              const auto found = files_.find(path);
              if (found == files_.end()) return base::fail(base::Category::not_found, "there is no such file");
              return found->second;
            }};
  }

  std::map<std::string, std::string> variables_;
  std::map<std::filesystem::path, std::string> files_;
  Options options_;
};

TEST_F(Layers, AFlagStandsAboveTheEnvironmentAboveTheFileAboveTheDefault) {
  files_["lm.toml"] = "bind = \"0.0.0.0\"\nport = 1\nsync-interval = \"1m\"\nlog-level = \"warn\"\n";
  variables_ = {{"LITESTREAM_MANAGER_PORT", "2"}, {"LITESTREAM_MANAGER_SYNC_INTERVAL", "2m"}};
  const auto assigned = assign({"-config", "lm.toml", "-sync-interval=3m"});
  EXPECT_THAT(assigned.mistakes, IsEmpty());
  EXPECT_EQ(options_.bind, "0.0.0.0");
  EXPECT_EQ(options_.port, 2);
  EXPECT_EQ(options_.client.sync_interval, 3min);
  EXPECT_EQ(options_.log.level, base::log::Level::warn);
  EXPECT_EQ(options_.shutdown_timeout, 30s);
  const EffectiveSetting* interval = find_effective(assigned.settings, "sync-interval");
  EXPECT_EQ(interval->holds, (SourcedValue{"3m", "-sync-interval"}));
  EXPECT_THAT(interval->instead_of, ElementsAre(SourcedValue{"2m", "LITESTREAM_MANAGER_SYNC_INTERVAL"},
                                                SourcedValue{"1m", "lm.toml:3:1"}, SourcedValue{"1s", "default"}));
  EXPECT_EQ(find_effective(assigned.settings, "bind")->holds, (SourcedValue{"0.0.0.0", "lm.toml:1:1"}));
  EXPECT_TRUE(find_effective(assigned.settings, "shutdown-timeout")->is_default());
}

TEST_F(Layers, AListIsReplacedByAStrongerLayerAndAddedToWithinOne) {
  files_["f"] = "watch-dir = [\"/file\"]\n";
  assign({"-config=f"});
  EXPECT_THAT(options_.watch_dirs, ElementsAre("/file"));
  variables_["LITESTREAM_MANAGER_WATCH_DIR"] = "/env,/more";
  assign({"-config=f"});
  EXPECT_THAT(options_.watch_dirs, ElementsAre("/env", "/more"));
  const auto assigned = assign({"-config=f", "-watch-dir=/one", "-watch-dir=/two"});
  EXPECT_THAT(options_.watch_dirs, ElementsAre("/one", "/two"));
  EXPECT_THAT(find_effective(assigned.settings, "watch-dir")->instead_of,
              ElementsAre(SourcedValue{"/env,/more", "LITESTREAM_MANAGER_WATCH_DIR"}, SourcedValue{"/file", "f:1:1"}));
}

TEST_F(Layers, ASwitchCanBeTurnedOffAgain) {
  files_["f"] = "no-wal-switch = true\n";
  assign({"-config=f"});
  EXPECT_FALSE(options_.client.switch_to_wal);
  assign({"-config=f", "-no-wal-switch=false"});
  EXPECT_TRUE(options_.client.switch_to_wal);
}

TEST_F(Layers, TheFileIsNamedByFlagOrEnvironment) {
  files_["by-flag"] = "port = 1\n";
  files_["by-variable"] = "port = 2\n";
  assign({});
  EXPECT_EQ(options_.port, 8080);
  variables_["LITESTREAM_MANAGER_CONFIG"] = "by-variable";
  assign({});
  EXPECT_EQ(options_.port, 2);
  EXPECT_EQ(options_.config_file, "by-variable");
  assign({"-config", "by-flag"});
  EXPECT_EQ(options_.port, 1);
}

TEST_F(Layers, AFileThatCannotBeReadIsAMistakeThatSaysWhoNamedIt) {
  EXPECT_THAT(assign({"-config", "gone.toml"}).mistakes,
              ElementsAre(AllOf(HasSubstr("gone.toml: there is no such file"), HasSubstr("-config names it"))));
  variables_["LITESTREAM_MANAGER_CONFIG"] = "gone.toml";
  EXPECT_THAT(assign({}).mistakes, ElementsAre(HasSubstr("LITESTREAM_MANAGER_CONFIG names it")));
}

TEST_F(Layers, MistakesOfFileAndEnvironmentComeTogether) {
  files_["f"] = "prot = 1\nlog-level = \"x\"\n";
  variables_ = {{"LITESTREAM_MANAGER_PORT", "no"}, {"LITESTREAM_MANAGER_BUKET", "b"}};
  EXPECT_THAT(assign({"-config=f", "-port=1"}).mistakes,
              ElementsAre(HasSubstr("f:1:1: "), HasSubstr("f:2:1: "),
                          HasSubstr("LITESTREAM_MANAGER_BUKET is in the environment, but no setting; did you mean "
                                    "LITESTREAM_MANAGER_BUCKET?"),
                          HasSubstr("LITESTREAM_MANAGER_PORT: \"no\" is not a port")))
      << "also where a flag stands above it";
}

TEST_F(Layers, WhatKubernetesSaysAboutAServiceOfOurNameIsNoSetting) {
  variables_ = {
      {"LITESTREAM_MANAGER_PORT", "tcp://10.0.0.7:80"},    {"LITESTREAM_MANAGER_PORT_80_TCP", "tcp://10.0.0.7:80"},
      {"LITESTREAM_MANAGER_PORT_80_TCP_ADDR", "10.0.0.7"}, {"LITESTREAM_MANAGER_PORT_80_TCP_PORT", "80"},
      {"LITESTREAM_MANAGER_PORT_80_TCP_PROTO", "tcp"},     {"LITESTREAM_MANAGER_SERVICE_HOST", "10.0.0.7"},
      {"LITESTREAM_MANAGER_SERVICE_PORT", "80"},           {"LITESTREAM_MANAGER_SERVICE_PORT_HTTP", "80"}};
  EXPECT_THAT(assign({}).mistakes, IsEmpty());
  EXPECT_EQ(options_.port, 8080);
}

TEST_F(Layers, EmptyVariablesCountAsNotSet) {
  variables_ = {{"LITESTREAM_MANAGER_PORT", ""}, {"LITESTREAM_MANAGER_CONFIG", ""}};
  EXPECT_THAT(assign({}).mistakes, IsEmpty());
  EXPECT_TRUE(options_.config_file.empty());
}

TEST_F(Layers, AnotherCommandTakesWhatItKnowsAndStillSeesTheFilesMistakes) {
  files_["f"] = "bucket = \"s3://bbb\"\nport = 1\nsync-interval = \"0s\"\n";
  variables_["LITESTREAM_MANAGER_O"] = "/env-output";
  RestoreRequest request;
  const auto assigned = assign_layers(restore_settings(request), std::vector<std::string>{"-config=f"}, surroundings());
  ASSERT_TRUE(assigned);
  EXPECT_EQ(request.store.bucket, "s3://bbb");
  EXPECT_TRUE(request.output.empty()) << "flags of one command are flags only";
  EXPECT_THAT(assigned->mistakes, ElementsAre(HasSubstr("f:3:1: sync-interval")));
}

TEST_F(Layers, WrongFlagsAreRefusedAsEver) {
  EXPECT_THAT(refusal({"-port", "x"}), HasSubstr("-port: \"x\" is not a port"));
  EXPECT_THAT(refusal({"-prot=1"}), HasSubstr("there is no flag -prot; did you mean -port?"));
  EXPECT_THAT(refusal({"-config"}), HasSubstr("-config needs a value"));
}

// Who adds a setting has to say how it is shown, and its default has to be one that it takes.
TEST(Declarations, EverySettingShowsItsValueAndTakesItBack) {
  Options options;
  engine::ClientPolicy policy;
  auto settings = daemon_settings(options);
  std::ranges::move(client_settings(policy), std::back_inserter(settings));
  for (const Setting& setting : settings) {
    ASSERT_TRUE(setting.current) << setting.name;
    const std::string value = setting.current();
    if (value.empty()) continue;
    EXPECT_TRUE(setting.assign(value)) << setting.name;
    EXPECT_EQ(setting.current(), value) << setting.name;
    if (setting.arity == Arity::value) {
      EXPECT_EQ(setting.default_value, value) << setting.name;
    }
    EXPECT_EQ(setting.type == ValueType::boolean, setting.arity == Arity::toggle) << setting.name;
    EXPECT_EQ(setting.type == ValueType::directories, static_cast<bool>(setting.add)) << setting.name;
  }
}

}  // namespace
}  // namespace cli
