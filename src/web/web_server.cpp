#include "web/web_server.h"

#include <fmt/format.h>

#include "web/endpoints.h"
#include "web/fleet_feed.h"
#include "web/operation_endpoints.h"
#include "web/server/http_server.h"

namespace web {

class WebServer::Impl {
 public:
  Impl(const engine::StatusSource& source, WebOptions options, const base::Clock& clock)
      : options_(std::move(options)),
        context_{.source = source, .clock = clock, .version = options_.version},
        operations_{.operations = options_.operations, .access = ApiAccess(options_.token, options_.token_file)} {}

  base::Result<> start() {
    TRY_ASSIGN(server_,
               HttpServer::start({.bind = options_.bind, .port = options_.port}, make_router(), options_.limits));
    return {};
  }

  [[nodiscard]] std::string url() const {
    const bool everywhere = options_.bind == "0.0.0.0" || options_.bind == "::";
    const bool v6 = options_.bind.contains(':');
    const std::string host = everywhere ? "localhost" : (v6 ? "[" + options_.bind + "]" : options_.bind);
    return fmt::format("http://{}:{}", host, server_->port());
  }

  [[nodiscard]] HttpServer& server() const { return *server_; }

 private:
  [[nodiscard]] std::unique_ptr<Router> make_router() const {
    auto router = std::make_unique<Router>();
    for (const Asset& asset : assets()) router->add(std::string(asset.path), std::make_unique<AssetEndpoint>(asset));
    router->add("/api/status", std::make_unique<StatusEndpoint>(context_));
    router->add(std::string(ClientEndpoint::kPath), std::make_unique<ClientEndpoint>(context_));
    router->add("/api/restores", std::make_unique<StartRestoreEndpoint>(operations_));
    router->add("/api/verifications", std::make_unique<StartVerificationEndpoint>(operations_));
    router->add("/api/operations", std::make_unique<OperationsEndpoint>(operations_));
    router->add(std::string(OperationEndpoint::kPath), std::make_unique<OperationEndpoint>(operations_));
    router->add("/api/operations/*/file", std::make_unique<OperationFileEndpoint>(operations_));
    router->add("/healthz", std::make_unique<HealthEndpoint>(context_));
    router->add("/metrics", std::make_unique<MetricsEndpoint>(context_));
    router->set_event_feed("/api/events", std::make_unique<FleetFeed>(context_.source));
    return router;
  }

  WebOptions options_;
  EndpointContext context_;  // read by the server's thread, so it goes after the server
  OperationsContext operations_;
  std::unique_ptr<HttpServer> server_;
};

WebServer::WebServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebServer::~WebServer() = default;

base::Result<std::unique_ptr<WebServer>> WebServer::start(const engine::StatusSource& source, WebOptions options,
                                                          const base::Clock& clock) {
  auto impl = std::make_unique<Impl>(source, std::move(options), clock);
  TRY(impl->start());
  return std::unique_ptr<WebServer>(new WebServer(std::move(impl)));
}

std::uint16_t WebServer::port() const {
  return impl_->server().port();
}
std::string WebServer::url() const {
  return impl_->url();
}
void WebServer::stop() {
  impl_->server().stop();
}

}  // namespace web
