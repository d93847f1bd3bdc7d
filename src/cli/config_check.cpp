#include "cli/config_check.h"

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "cli/client_match.h"
#include "cli/settings.h"
#include "cli/values.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::string_view kClient = "client";
constexpr std::string_view kMatch = "match";
constexpr std::string_view kSecretsPlace =
    "no access key belongs into this file; put it into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
    "AWS_SESSION_TOKEN) or into ~/.aws/credentials, take it out here, and consider it known to whoever can read this "
    "file";

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

// How a value of this setting stands in the file.
std::string example_of(const Setting& setting) {
  const std::string name = setting.name + " = ";
  switch (setting.type) {
    case ValueType::directories:
      return name + "[\"/srv/a\", \"/srv/b\"]";
    case ValueType::boolean:
      return name + "true";
    case ValueType::number:
    case ValueType::decimal:
      return name + (setting.default_value.empty() ? "1" : setting.default_value);
    case ValueType::duration:
    case ValueType::text:
      break;
  }
  return name + in_quotes(setting.default_value.empty() ? "..." : setting.default_value);
}

bool of_type(const FileValue& value, ValueType type) {
  switch (type) {
    case ValueType::directories:
      return value.kind == FileValueKind::list_of_texts || value.kind == FileValueKind::text;
    case ValueType::boolean:
      return value.kind == FileValueKind::boolean;
    case ValueType::number:
      return value.kind == FileValueKind::number;
    case ValueType::decimal:
      return value.kind == FileValueKind::number || value.kind == FileValueKind::decimal;
    case ValueType::duration:
    case ValueType::text:
      return value.kind == FileValueKind::text;
  }
  return false;
}

Result<> take(const FileValue& value, const Setting& setting) {
  if (!of_type(value, setting.type)) {
    return fail(Category::invalid,
                setting.name + " takes a " + std::string(to_string(setting.type)) + "; write " + example_of(setting));
  }
  if (value.texts.empty()) return fail(Category::invalid, setting.name + " is an empty list; leave it out instead");
  for (const std::string& text : value.texts) {
    if (text.empty()) return fail(Category::invalid, setting.name + " is empty; leave it out instead");
    const bool entry = value.kind == FileValueKind::list_of_texts;
    if (auto taken = entry ? setting.add(text) : setting.assign(text); !taken) {
      return fail(taken.error().with_context(setting.name));
    }
  }
  return {};
}

class Checker {
 public:
  explicit Checker(const std::string& path) { result_.path = path; }

  ConfigFile check(std::string_view text) {
    const FileContent content = parse_config_text(text);
    for (const FileMistake& mistake : content.mistakes) note(mistake.place, mistake.text);
    Options scratch;
    for (const FileValue& value : content.top.values) {
      if (auto taken = known(value, daemon_settings(scratch))) result_.values.push_back(std::move(*taken));
    }
    for (const FileTable& table : content.clients) check_client(table);
    std::ranges::sort(mistakes_, {},
                      [](const auto& m) { return std::tuple(m.place.line, m.place.column, std::string_view(m.text)); });
    for (const FileMistake& mistake : mistakes_) {
      result_.mistakes.push_back(to_string(result_.path, mistake.place) + ": " + mistake.text);
    }
    return std::move(result_);
  }

 private:
  void note(Place place, std::string text) { mistakes_.push_back({place, std::move(text)}); }

  std::optional<ConfigValue> known(const FileValue& value, const std::vector<Setting>& settings) {
    const Setting* setting = value.name == kConfigSetting ? nullptr : find_setting(settings, value.name);
    if (setting == nullptr) {
      note(value.place, unknown(value.name, settings));
      return std::nullopt;
    }
    if (auto taken = take(value, *setting); !taken) {
      note(value.place, taken.error().message);
      return std::nullopt;
    }
    ConfigValue result{value.name, value.texts, value.place};
    // One text with commas in it means several directories, as on the command line.
    if (setting->type == ValueType::directories && value.kind == FileValueKind::text) {
      const auto directories = parse_directories(value.texts.front()).value();
      result.texts.clear();
      for (const auto& directory : directories) result.texts.push_back(directory.string());
    }
    return result;
  }

  static std::string unknown(const std::string& name, const std::vector<Setting>& settings) {
    if (names_a_secret(name)) return std::string(kSecretsPlace);
    if (name == kConfigSetting) return "a configuration file cannot name another one; take this out";
    if (name == kClient || name.starts_with("client.")) {
      return "settings for some clients stand below [[client]], with two brackets and a match";
    }
    engine::ClientPolicy policy;
    if (find_setting(client_settings(policy), name) != nullptr || name == kMatch) {
      return in_quotes(name) + " belongs below [[client]], beside the match that says whom it is for";
    }
    std::vector<std::string_view> names;
    names.reserve(settings.size());
    for (const Setting& setting : settings) names.push_back(setting.name);
    const std::string message = "there is no setting " + in_quotes(name);
    if (find_in_daemon(name))
      return in_quotes(name) + " cannot be set for some clients only; put it above all [[client]]";
    const std::string_view near = nearest(name, names);
    if (!near.empty()) return message + "; did you mean " + std::string(near) + "?";
    return message + "; litestream-manager explain -sample prints a file with all that there are";
  }

  static bool find_in_daemon(std::string_view name) {
    Options scratch;
    return find_setting(daemon_settings(scratch), name) != nullptr;
  }

  void check_client(const FileTable& table) {
    ClientBlock block;
    block.origin = to_string(result_.path, table.place);
    engine::ClientPolicy scratch;
    const std::vector<Setting> settings = client_settings(scratch);
    bool has_match = false;
    for (const FileValue& value : table.values) {
      if (value.name == kMatch) {
        has_match = true;
        check_match(value, block);
      } else if (auto taken = known(value, settings)) {
        block.values.push_back(std::move(*taken));
      }
    }
    if (!has_match) note(table.place, "this [[client]] matches nobody; add match = \"ID, path or pattern\"");
    if (table.values.size() == (has_match ? 1U : 0U)) {
      note(table.place, "this [[client]] sets nothing; add a setting, or take it out");
    }
    result_.clients.push_back(std::move(block));
  }

  void check_match(const FileValue& value, ClientBlock& block) {
    if (value.kind != FileValueKind::text) return note(value.place, "match takes a text; write match = \"acme/*\"");
    block.match = value.texts.front();
    if (auto checked = check_pattern(block.match); !checked) return note(value.place, checked.error().message);
    for (const ClientBlock& other : result_.clients) {
      if (other.match == block.match) {
        note(value.place, "the [[client]] at " + other.origin + " has the same match; put both together");
      }
    }
  }

  ConfigFile result_;
  std::vector<FileMistake> mistakes_;
};

}  // namespace

std::string to_string(const std::string& file, const Place& place) {
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

ConfigFile check_config(std::string_view text, const std::string& path) {
  return Checker(path).check(text);
}

}  // namespace cli
