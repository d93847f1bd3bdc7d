#include "web/endpoints.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "metrics/exposition.h"
#include "web/client_query.h"
#include "web/fleet_metrics.h"
#include "web/health.h"
#include "web/server/query.h"
#include "web/status_json.h"

namespace web {

namespace {

// Two answers with the same tag and the same query are the same: the program's start tells runs apart.
std::string snapshot_tag(const engine::FleetStatus& fleet, base::UnixMillis now) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(std::max(now - fleet.started, base::UnixMillis{0}));
  return fmt::format("{:x}-{:x}-{:x}", fleet.started.count(), fleet.version, minutes.count());
}

}  // namespace

Response StatusEndpoint::handle(const Request& request) {
  const auto query = parse_client_query(request.query);
  if (!query) return json_error(400, query.error().message);
  const auto fleet = context_.source.fleet();
  const base::UnixMillis now = context_.clock.unix_now();
  const std::string tag = snapshot_tag(*fleet, now);
  if (tag != kept_tag_) forget_answers();
  kept_tag_ = tag;
  std::shared_ptr<const std::string> body;
  if (const auto kept = kept_.find(request.query); kept != kept_.end()) {
    body = kept->second;
  } else {
    body = std::make_shared<const std::string>(
        render_status(*fleet, select_clients(*fleet, *query), {.version = context_.version, .now = now}));
    keep_answer(request.query, body);
  }
  return make_cacheable(request, '"' + tag + '"', kJson, std::move(body));
}

void StatusEndpoint::forget_answers() {
  kept_.clear();
  kept_bytes_ = 0;
}

void StatusEndpoint::keep_answer(std::string_view query, const std::shared_ptr<const std::string>& body) {
  const std::size_t bytes = query.size() + body->size();
  if (bytes > kKeptBytesMax) return;
  if (kept_bytes_ + bytes > kKeptBytesMax) forget_answers();
  kept_.emplace(query, body);
  kept_bytes_ += bytes;
}

Response ClientEndpoint::handle(const Request& request) {
  const std::string_view id = request.path.substr(kPath.size());
  const auto fleet = context_.source.fleet();
  const auto id_of = [](const auto& client) -> std::string_view { return client->client_id; };
  const auto found = std::ranges::lower_bound(fleet->clients, id, {}, id_of);
  if (found == fleet->clients.end() || (*found)->client_id != id) return json_error(404, "there is no such client");
  return make_response(200, kJson, render_client(**found, fleet->store, context_.source.account(id)));
}

Response HealthEndpoint::handle(const Request& /*request*/) {
  const auto problems = find_health_problems(*context_.source.fleet());
  const nlohmann::ordered_json body{{"status", problems.empty() ? "ok" : "failing"}, {"reasons", problems}};
  return make_response(problems.empty() ? 200 : 503, kJson,
                       body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

Response MetricsEndpoint::handle(const Request& request) {
  const auto parameters = parse_query(request.query);
  if (!parameters) return json_error(400, parameters.error().message);
  const bool each = std::ranges::find(*parameters, QueryParameters::value_type("clients", "1")) != parameters->end();
  return make_response(200, metrics::kContentType,
                       render_fleet_metrics(*context_.source.fleet(),
                                            {.version = context_.version,
                                             .now = context_.clock.unix_now(),
                                             .process = metrics::read_process_stats(),
                                             .client_series = each ? ClientSeries::each : ClientSeries::none}));
}

AssetEndpoint::AssetEndpoint(const Asset& asset)
    : asset_(asset), body_(std::make_shared<const std::string>(asset.content)) {}

Response AssetEndpoint::handle(const Request& request) {
  return make_cacheable(request, fmt::format("\"{}\"", asset_.hash), asset_.content_type, body_);
}

}  // namespace web
