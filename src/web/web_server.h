// The dashboard and its API over HTTP. Reads status snapshots; what it starts is behind Operations and needs a token.
//
//   /                  dashboard (and its files)
//   /api/status        the fleet, paged and filtered on request (client_query.h, status_json.h)
//   /api/clients/{id}  one client
//   /api/events        changes as Server-Sent Events (fleet_feed.h)
//   /api/restores, /api/verifications, /api/operations...   long operations (operation_endpoints.h)
//   /healthz           200 or 503 with reasons (health.h)
//   /metrics           Prometheus text (fleet_metrics.h)
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "engine/status.h"
#include "web/operations.h"
#include "web/server/limits.h"

namespace web {

struct WebOptions {
  std::string bind = "127.0.0.1";  // an IP address literal; on loopback only requests for loopback's names are answered
  std::uint16_t port = 8080;       // 0: any free one
  std::string version;             // of this program, shown to people
  ServerLimits limits;
  Operations* operations = nullptr;  // outlives the server; null: nothing can be started
  base::Secret token = {};           // who knows it may start operations
  std::string token_file = {};       // where people find it
};

class WebServer {
 public:
  // Listens and serves on a thread of its own, which calls `source`; `source` and `clock` outlive the server. Errors
  // are those of HttpServer::start and name the flag that mends them.
  static base::Result<std::unique_ptr<WebServer>> start(const engine::StatusSource& source, WebOptions options,
                                                        const base::Clock& clock = base::system_clock());
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // For people and browsers: "http://127.0.0.1:8080"; localhost where it listens on every interface.
  [[nodiscard]] std::string url() const;
  // Takes at most limits.stop_grace. Calls after the first do nothing.
  void stop();

 private:
  class Impl;
  explicit WebServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace web
