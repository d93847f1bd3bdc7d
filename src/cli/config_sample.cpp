#include "cli/config_sample.h"

#include "cli/layers.h"
#include "cli/settings.h"

namespace cli {
namespace {

constexpr std::size_t kColumns = 100;

void append_comment(std::string& out, std::string_view text) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (column == 0 || column + 1 + length > kColumns) {
      out += column == 0 ? "# " : "\n# ";
      column = 1;
    } else {
      out += ' ';
    }
    out += text.substr(0, length);
    column += 1 + length;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  out += '\n';
}

std::string value_of(const Setting& setting) {
  std::string current = setting.current();
  switch (setting.type) {
    case ValueType::boolean:
    case ValueType::number:
    case ValueType::decimal:
      return current;
    case ValueType::directories:
      return R"(["/srv/tenants"])";
    case ValueType::duration:
    case ValueType::text:
      break;
  }
  return "\"" + (current.empty() ? setting.placeholder : current) + "\"";
}

void append_setting(std::string& out, const Setting& setting, bool commented_out) {
  append_comment(out, setting.help);
  std::string facts = "(" + std::string(to_string(setting.type));
  if (!setting.range.empty() && setting.help.find(setting.range) == std::string::npos) facts += ", " + setting.range;
  facts += setting.effect == Effect::at_reload ? "; SIGHUP is enough)" : "; restart to apply)";
  append_comment(out, facts);
  out += (commented_out ? "#" : "") + setting.name + " = " + value_of(setting) + "\n\n";
}

}  // namespace

std::string sample_config() {
  Options defaults;
  std::string text;
  append_comment(
      text,
      "Configuration of litestream-manager (TOML). Every setting is also a flag (-name) and a variable of the "
      "environment (LITESTREAM_MANAGER_NAME); a flag stands above a variable, a variable above this file. "
      "Access keys do not belong here.");
  text += '\n';
  for (const Setting& setting : daemon_settings(defaults)) {
    if (setting.name == kConfigSetting) continue;
    append_setting(text, setting, setting.current().empty() || setting.type == ValueType::boolean);
  }
  append_comment(
      text,
      "For some clients only: those whose id, or whose path below the watched directory, is like match (* "
      "stands for anything, ? for one character). Of several blocks the last one that says something counts.");
  text += "#[[client]]\n#match = \"acme/*\"\n\n";
  engine::ClientPolicy policy;
  for (const Setting& setting : client_settings(policy)) append_setting(text, setting, true);
  text.pop_back();
  return text;
}

}  // namespace cli
