#include "cli/client_policies.h"

#include "base/check.h"
#include "cli/client_match.h"
#include "cli/settings.h"

namespace cli {
namespace {

void assign_value(std::span<const Setting> settings, const ConfigValue& value) {
  const Setting* setting = find_setting(settings, value.name);
  CHECK(setting != nullptr);
  for (const std::string& text : value.texts) CHECK(setting->assign(text).has_value());
}

// "FILE:12:1 [[client]]" and the key's line: where to look.
std::string origin_of(const ClientBlock& block, const ConfigValue& value) {
  const std::string file = block.origin.substr(0, block.origin.rfind(':', block.origin.rfind(':') - 1));
  return to_string(file, value.place) + " [[client]] match \"" + block.match + "\"";
}

}  // namespace

std::shared_ptr<const engine::ClientPolicy> ClientPolicies::of(std::string_view id, std::string_view path) {
  std::vector<bool> matching;
  matching.reserve(blocks_.size());
  for (const ClientBlock& block : blocks_) matching.push_back(matches_client(block.match, id, path));
  auto& policy = known_[matching];
  if (policy) return policy;
  engine::ClientPolicy made = for_all_;
  const std::vector<Setting> settings = client_settings(made);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!matching[i]) continue;
    for (const ConfigValue& value : blocks_[i].values) assign_value(settings, value);
  }
  policy = std::make_shared<const engine::ClientPolicy>(made);
  return policy;
}

std::vector<EffectiveSetting> explain_client(engine::ClientPolicy policy, std::span<const EffectiveSetting> for_all,
                                             std::span<const ClientBlock> blocks, std::string_view id,
                                             std::string_view path) {
  const std::vector<Setting> settings = client_settings(policy);
  std::vector<EffectiveSetting> result;
  result.reserve(settings.size());
  for (const Setting& setting : settings) {
    const EffectiveSetting* known = find_effective(for_all, setting.name);
    result.push_back(known != nullptr ? *known
                                      : EffectiveSetting{setting.name,
                                                         {setting.current(), std::string(EffectiveSetting::kDefault)},
                                                         {},
                                                         setting.type,
                                                         setting.range,
                                                         setting.effect});
  }
  for (const ClientBlock& block : blocks) {
    if (!matches_client(block.match, id, path)) continue;
    for (const ConfigValue& value : block.values) {
      assign_value(settings, value);
      for (std::size_t i = 0; i < settings.size(); ++i) {
        if (settings[i].name != value.name) continue;
        EffectiveSetting& effective = result[i];
        effective.instead_of.insert(effective.instead_of.begin(), effective.holds);
        effective.holds = {settings[i].current(), origin_of(block, value)};
      }
    }
  }
  return result;
}

}  // namespace cli
