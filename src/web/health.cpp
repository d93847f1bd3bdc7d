#include "web/health.h"

#include <algorithm>

#include <fmt/format.h>

#include "web/client_query.h"

namespace web {

std::vector<std::string> find_health_problems(const engine::FleetStatus& fleet) {
  std::vector<std::string> problems;
  for (const auto& dir : fleet.watch_dirs) {
    if (!dir.ok) problems.push_back(fmt::format("watch directory {}: {}", dir.path, dir.detail));
  }
  const auto failing = std::ranges::count_if(
      fleet.clients, [](const auto& client) { return client->state == engine::ClientState::failing; });
  const auto active = std::ranges::count_if(fleet.clients, [](const auto& client) { return is_active(client->state); });
  if (failing > 0 && active == 0) {
    problems.push_back(fmt::format("the store refuses or is away for all {} clients", failing));
  }
  return problems;
}

}  // namespace web
