// What the dashboard's server answers. Each endpoint reads one immutable snapshot and renders it; none calls the
// engine.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/status.h"
#include "web/assets.h"
#include "web/server/router.h"

namespace web {

// Shared by the endpoints; everything outlives them.
struct EndpointContext {
  const engine::StatusSource& source;
  const base::Clock& clock;
  std::string version;  // of this program
};

// GET /api/status: the fleet; parameters in client_query.h. The ETag follows the fleet's version and the uptime's text,
// and rendered answers are kept (within a bound) until one of them changes, so that
// polling an unchanged fleet costs little.
class StatusEndpoint final : public Endpoint {
 public:
  explicit StatusEndpoint(const EndpointContext& context) : context_(context) {}
  Response handle(const Request& request) override;

 private:
  // Few pages are looked at while a fleet stands still, and a huge fleet's whole list is too much to hold on to.
  static constexpr std::size_t kKeptBytesMax = 2'000'000;

  void forget_answers();
  void keep_answer(std::string_view query, const std::shared_ptr<const std::string>& body);

  const EndpointContext& context_;
  std::string kept_tag_;  // of the snapshot that the kept answers show
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> kept_;  // by query
  std::size_t kept_bytes_ = 0;
};

// GET /api/clients/{id}: one client's record, 404 if there is none.
class ClientEndpoint final : public Endpoint {
 public:
  static constexpr std::string_view kPath = "/api/clients/";
  explicit ClientEndpoint(const EndpointContext& context) : context_(context) {}
  Response handle(const Request& request) override;

 private:
  const EndpointContext& context_;
};

// GET /healthz: 200 or 503, {"status": "ok" or "failing", "reasons": [...]}.
class HealthEndpoint final : public Endpoint {
 public:
  explicit HealthEndpoint(const EndpointContext& context) : context_(context) {}
  Response handle(const Request& request) override;

 private:
  const EndpointContext& context_;
};

// GET /metrics; with ?clients=1 also series for each client.
class MetricsEndpoint final : public Endpoint {
 public:
  explicit MetricsEndpoint(const EndpointContext& context) : context_(context) {}
  Response handle(const Request& request) override;

 private:
  const EndpointContext& context_;
};

// A file of the dashboard.
class AssetEndpoint final : public Endpoint {
 public:
  explicit AssetEndpoint(const Asset& asset);
  Response handle(const Request& request) override;

 private:
  const Asset& asset_;
  std::shared_ptr<const std::string> body_;
};

}  // namespace web
