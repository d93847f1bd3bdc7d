#include "cli/points_command.h"

#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/open_store.h"
#include "engine/restore_preview.h"

namespace cli {
namespace {

ExitCode failed(const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: points: {}\n", error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

std::string txid_text(const engine::StoredPoint& point) {
  return point.txid.value == 0 ? "-" : base::hex16(point.txid.value);
}

std::string text_of(const engine::StoredPoints& found) {
  std::string text = fmt::format("{:<16}  time\n", "TXID");
  for (const auto& point : found.points) {
    text += fmt::format("{:<16}  {}\n", txid_text(point), base::to_rfc3339(point.time));
  }
  text += fmt::format("{} points, from {} to {}\n", found.count, base::to_rfc3339(found.oldest.time),
                      base::to_rfc3339(found.points.back().time));
  return text;
}

nlohmann::json json_of(const engine::StoredPoint& point) {
  nlohmann::json json = {{"time", base::to_rfc3339(point.time)}};
  if (point.txid.value != 0) json["txid"] = base::hex16(point.txid.value);
  return json;
}

std::string json_of(const engine::StoredPoints& found) {
  nlohmann::json points = nlohmann::json::array();
  for (const auto& point : found.points) points.push_back(json_of(point));
  const nlohmann::json json = {{"count", found.count},
                               {"oldest", json_of(found.oldest)},
                               {"newest", json_of(found.points.back())},
                               {"points", points}};
  return json.dump() + "\n";
}

}  // namespace

ExitCode run_points(const PointsRequest& request) {
  const auto store = open_store(request.store);
  if (!store) return failed(store.error());
  const auto found = engine::list_points(**store, request.replica, request.limit, {});
  if (!found) return failed(found.error());
  const std::string text = request.json ? json_of(*found) : text_of(*found);
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
