#include "cli/explanation.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cli {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const std::string& value) {
  return value.empty() ? "(not set)" : value;
}

std::string kind_of(const EffectiveSetting& setting) {
  std::string kind(to_string(setting.type));
  if (!setting.range.empty()) kind = setting.type == ValueType::text ? setting.range : kind + ", " + setting.range;
  return kind;
}

std::string heading(const ExplainedClient& client) {
  std::string text = "client " + client.id;
  text += client.path.empty()
              ? ": no file of that name is in the watched directories, so only blocks that match its id "
                "are found"
              : ", file " + client.path;
  return text + "\n\n";
}

// What a value cannot be as JSON text is not lost on the way: bytes that are no UTF-8 are shown as such.
std::string dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json of_value(const std::string& value) {
  return value.empty() ? Json(nullptr) : Json(value);
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  std::size_t kind_width = 0;
  constexpr std::size_t kWidest = 40;
  for (const EffectiveSetting& setting : explanation.settings) {
    name_width = std::max(name_width, setting.name.size());
    value_width = std::max(value_width, std::min(shown(setting.holds.value).size(), kWidest));
    kind_width = std::max(kind_width, kind_of(setting).size());
  }
  std::string text = explanation.client ? heading(*explanation.client) : "";
  for (const EffectiveSetting& setting : explanation.settings) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {}\n", setting.name, name_width, shown(setting.holds.value),
                        value_width, kind_of(setting), kind_width, setting.holds.origin);
    for (const SourcedValue& other : setting.instead_of) {
      if (other.origin == EffectiveSetting::kDefault) continue;
      text += fmt::format("{:<{}}  instead of {} from {}\n", "", name_width, other.value, other.origin);
    }
  }
  if (!explanation.client && !explanation.client_blocks.empty()) {
    text += "\nother for clients that match (litestream-manager explain GUID shows one):\n";
    for (const ClientBlock& block : explanation.client_blocks)
      text += fmt::format("  {}  {}\n", block.match, block.origin);
  }
  return text;
}

std::string explanation_json(const Explanation& explanation) {
  Json json{{"settings", Json::array()}, {"clientBlocks", Json::array()}, {"mistakes", explanation.mistakes}};
  for (const EffectiveSetting& setting : explanation.settings) {
    Json others = Json::array();
    for (const SourcedValue& other : setting.instead_of) {
      others.push_back({{"value", of_value(other.value)}, {"origin", other.origin}});
    }
    json["settings"].push_back({{"name", setting.name},
                                {"value", of_value(setting.holds.value)},
                                {"type", to_string(setting.type)},
                                {"range", of_value(setting.range)},
                                {"origin", setting.holds.origin},
                                {"effect", setting.effect == Effect::at_reload ? "reload" : "restart"},
                                {"insteadOf", std::move(others)}});
  }
  for (const ClientBlock& block : explanation.client_blocks) {
    json["clientBlocks"].push_back({{"match", block.match}, {"origin", block.origin}});
  }
  json["client"] = nullptr;
  if (explanation.client)
    json["client"] = {{"id", explanation.client->id}, {"path", of_value(explanation.client->path)}};
  return dump(json);
}

}  // namespace cli
