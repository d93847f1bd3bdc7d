#include "cli/config_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/config_check.h"
#include "cli/settings.h"

namespace cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const ConfigValue* find_value(const ConfigFile& file, std::string_view name) {
  const auto found = std::ranges::find(file.values, name, &ConfigValue::name);
  return found == file.values.end() ? nullptr : &*found;
}

TEST(ConfigSample, SaysTheDefaultOfEverySettingThatHasOne) {
  const ConfigFile file = check_config(sample_config(), "sample");
  EXPECT_THAT(file.mistakes, IsEmpty());
  EXPECT_THAT(file.clients, IsEmpty());
  Options defaults;
  std::size_t with_default = 0;
  for (const Setting& setting : daemon_settings(defaults)) {
    const ConfigValue* value = find_value(file, setting.name);
    if (setting.current().empty() || setting.type == ValueType::boolean) {
      EXPECT_EQ(value, nullptr) << setting.name;
      continue;
    }
    ++with_default;
    ASSERT_NE(value, nullptr) << setting.name;
    EXPECT_THAT(value->texts, testing::ElementsAre(setting.current())) << setting.name;
  }
  EXPECT_EQ(file.values.size(), with_default);
}

TEST(ConfigSample, WhatItCommentsOutIsRightToo) {
  std::string text = sample_config();
  for (std::size_t at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1)) {
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  }
  // Placeholders are words in capitals, which not every setting takes.
  for (const auto& [placeholder, value] :
       {std::pair{"\"BUCKET\"", "\"bucket\""}, std::pair{"\"URL\"", "\"http://127.0.0.1\""}}) {
    ASSERT_THAT(text, HasSubstr(placeholder));
    text.replace(text.find(placeholder), std::string_view(placeholder).size(), value);
  }
  const ConfigFile file = check_config(text, "sample");
  EXPECT_THAT(file.mistakes, IsEmpty());
  Options defaults;
  for (const Setting& setting : daemon_settings(defaults)) {
    EXPECT_EQ(find_value(file, setting.name) != nullptr, setting.name != kConfigSetting) << setting.name;
    if (setting.type == ValueType::boolean) {
      EXPECT_THAT(find_value(file, setting.name)->texts, testing::ElementsAre(setting.current())) << setting.name;
    }
    EXPECT_THAT(text, HasSubstr(setting.range)) << setting.name;
  }
  ASSERT_EQ(file.clients.size(), 1U);
  engine::ClientPolicy policy;
  EXPECT_EQ(file.clients[0].values.size(), client_settings(policy).size());
}

}  // namespace
}  // namespace cli
