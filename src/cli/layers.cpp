#include "cli/layers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cli/settings.h"

namespace cli {
namespace {

using base::Result;

constexpr std::string_view kPrefix = "LITESTREAM_MANAGER_";

// Kubernetes gives this to every container beside a service of our name; it is about that service.
bool is_service_link(std::string_view name, std::string_view value) {
  return name == "port" && value.starts_with("tcp://");
}

// The name that a variable with our prefix would set.
std::string setting_of(std::string_view variable) {
  std::string name;
  for (const char c : variable.substr(kPrefix.size())) {
    const bool letter = c >= 'A' && c <= 'Z';
    name += letter ? static_cast<char>(c - 'A' + 'a') : (c == '_' ? '-' : c);
  }
  return name;
}

// One layer over what is there. A list begins anew.
class Layers {
 public:
  explicit Layers(std::span<const Setting> settings) : settings_(settings) {
    effective_.reserve(settings.size());
    for (const Setting& setting : settings) {
      effective_.push_back({setting.name,
                            {current(setting), std::string(EffectiveSetting::kDefault)},
                            {},
                            setting.type,
                            setting.range,
                            setting.effect});
    }
  }

  template <typename Assign>
  Result<> put(const Setting& setting, std::string origin, Assign assign) {
    auto& effective = effective_.at(static_cast<std::size_t>(&setting - settings_.data()));
    const bool again = effective.holds.origin == origin;  // the same flag once more
    if (setting.clear && !again) setting.clear();
    TRY(assign());
    const SourcedValue before = std::exchange(effective.holds, {current(setting), std::move(origin)});
    const bool said = before.origin != EffectiveSetting::kDefault || !before.value.empty();
    if (said && !again) effective.instead_of.insert(effective.instead_of.begin(), before);
    return {};
  }

  std::vector<EffectiveSetting> take() { return std::move(effective_); }

 private:
  static std::string current(const Setting& setting) { return setting.current ? setting.current() : std::string(); }

  std::span<const Setting> settings_;
  std::vector<EffectiveSetting> effective_;
};

struct Environment {
  std::map<std::string, std::string> values;  // by the setting's name
  std::vector<std::string> mistakes;
};

Environment read_environment(std::span<const Setting> known, const Surroundings& surroundings) {
  Environment found;
  std::vector<std::string_view> names;
  names.reserve(known.size());
  for (const Setting& setting : known) {
    names.push_back(setting.name);
    const auto value = surroundings.variable(variable_of(setting.name));
    if (value && !value->empty() && !is_service_link(setting.name, *value)) found.values[setting.name] = *value;
  }
  // Only what looks like a slip: Kubernetes has names of its own with our prefix.
  for (const std::string& variable : surroundings.variable_names()) {
    if (!variable.starts_with(kPrefix)) continue;
    const std::string name = setting_of(variable);
    const std::string_view near = nearest(name, names);
    if (near.empty() || std::ranges::find(names, name) != names.end()) continue;
    found.mistakes.push_back(variable + " is in the environment, but no setting; did you mean " + variable_of(near) +
                             "?");
  }
  return found;
}

ConfigFile read_file(const std::string& path, const std::string& named_by, const Surroundings& surroundings) {
  const auto text = surroundings.read_file(path);
  if (text) return check_config(*text, path);
  ConfigFile unreadable;
  unreadable.path = path;
  unreadable.mistakes.push_back(path + ": " + text.error().message + "; " + named_by +
                                " names it: mend that, or give this user the right to read it");
  return unreadable;
}

// The last -config, else the variable.
std::pair<std::string, std::string> config_path(const ScannedArguments& scanned, const Environment& environment) {
  std::pair<std::string, std::string> path;
  if (const auto found = environment.values.find(std::string(kConfigSetting)); found != environment.values.end()) {
    path = {found->second, variable_of(kConfigSetting)};
  }
  for (const GivenFlag& flag : scanned.given) {
    if (flag.setting->name == kConfigSetting) path = {flag.value, "-" + flag.setting->name};
  }
  return path;
}

// The daemon takes all of it (check_config); a command that is more particular says so.
void put_file(ConfigFile& file, std::span<const Setting> settings, Layers& layers) {
  for (const ConfigValue& value : file.values) {
    const Setting* setting = find_setting(settings, value.name);
    if (setting == nullptr) continue;
    const auto assign = [&]() -> Result<> {
      for (const std::string& text : value.texts) TRY(setting->add ? setting->add(text) : setting->assign(text));
      return {};
    };
    const std::string origin = to_string(file.path, value.place);
    if (const auto put = layers.put(*setting, origin, assign); !put) {
      file.mistakes.push_back(origin + ": " + put.error().with_context(value.name).message);
    }
  }
}

}  // namespace

std::string variable_of(std::string_view setting) {
  std::string name(kPrefix);
  for (const char c : setting) {
    const bool letter = c >= 'a' && c <= 'z';
    name += letter ? static_cast<char>(c - 'a' + 'A') : (c >= '0' && c <= '9' ? c : '_');
  }
  return name;
}

const EffectiveSetting* find_effective(std::span<const EffectiveSetting> settings, std::string_view name) {
  const auto found = std::ranges::find(settings, name, &EffectiveSetting::name);
  return found == settings.end() ? nullptr : &*found;
}

Result<LayeredSettings> assign_layers(std::span<const Setting> settings, std::span<const std::string> arguments,
                                      const Surroundings& surroundings) {
  TRY_ASSIGN(ScannedArguments scanned, scan_flags(settings, arguments));
  LayeredSettings result;
  result.help_wanted = scanned.help_wanted;
  if (scanned.help_wanted) return result;
  result.operands = std::move(scanned.operands);
  Options scratch;
  const std::vector<Setting> shared = daemon_settings(scratch);
  Environment environment = read_environment(shared, surroundings);
  Layers layers(settings);
  if (const auto [path, named_by] = config_path(scanned, environment); !path.empty()) {
    ConfigFile file = read_file(path, named_by, surroundings);
    put_file(file, settings, layers);
    result.client_blocks = std::move(file.clients);
    result.mistakes = std::move(file.mistakes);
  }
  std::ranges::move(environment.mistakes, std::back_inserter(result.mistakes));
  for (const auto& [name, value] : environment.values) {
    const Setting* setting = find_setting(settings, name);
    const Setting* checked = setting != nullptr ? setting : find_setting(shared, name);
    const auto assign = [&] { return checked->assign(value); };
    const auto put = setting != nullptr ? layers.put(*setting, variable_of(name), assign) : assign();
    if (!put) result.mistakes.push_back(put.error().with_context(variable_of(name)).message);
  }
  for (const GivenFlag& flag : scanned.given) {
    const std::string name = "-" + flag.setting->name;
    const auto put = layers.put(*flag.setting, name, [&] { return flag.setting->assign(flag.value); });
    if (!put) return base::fail(put.error().with_context(name));
  }
  result.settings = layers.take();
  return result;
}

}  // namespace cli
