#include "engine/audit_record.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace engine {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

constexpr auto kNumbers = std::to_array<std::pair<const char*, std::uint64_t AuditStatus::*>>({
    {"clients", &AuditStatus::clients},
    {"objects", &AuditStatus::objects},
    {"bytes", &AuditStatus::bytes},
    {"lostPoints", &AuditStatus::lost_points},
});
constexpr auto kNames = std::to_array<std::pair<const char*, NamedCount AuditStatus::*>>({
    {"different", &AuditStatus::different},
    {"broken", &AuditStatus::broken},
    {"lost", &AuditStatus::lost},
    {"mending", &AuditStatus::mending},
    {"losses", &AuditStatus::losses},
    {"gone", &AuditStatus::gone},
    {"unknown", &AuditStatus::unknown},
    {"foreign", &AuditStatus::foreign},
    {"unstored", &AuditStatus::unstored},
});

}  // namespace

std::string to_text(const AuditProgress& progress) {
  const AuditStatus& found = progress.found;
  Json json{{"version", kVersion}, {"key", progress.key}, {"client", progress.client}, {"begun", found.begun.count()}};
  if (found.ended) json["ended"] = found.ended->count();
  for (const auto& [name, field] : kNumbers) json[name] = found.*field;
  for (const auto& [name, field] : kNames) {
    json[name] = {{"count", (found.*field).count}, {"first", (found.*field).first}};
  }
  // Not quite the key, where one is no UTF-8: then the walk goes on a little before or after it.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<AuditProgress> parse_audit_progress(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("version").get<int>() != kVersion) return std::nullopt;
    AuditProgress progress{{}, json.at("key"), json.at("client")};
    AuditStatus& found = progress.found;
    found.begun = base::UnixMillis{json.at("begun").get<std::int64_t>()};
    if (json.contains("ended")) found.ended = base::UnixMillis{json.at("ended").get<std::int64_t>()};
    for (const auto& [name, field] : kNumbers) found.*field = json.at(name).get<std::uint64_t>();
    for (const auto& [name, field] : kNames) {
      (found.*field).count = json.at(name).at("count").get<std::uint64_t>();
      (found.*field).first = json.at(name).at("first").get<std::vector<std::string>>();
      if ((found.*field).first.size() > NamedCount::kNamed) (found.*field).first.resize(NamedCount::kNamed);
    }
    return progress;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace engine
