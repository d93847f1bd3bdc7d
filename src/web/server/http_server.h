// A small HTTP/1.1 server for one dashboard: one thread, coroutines, hard limits (limits.h). It serves what a Router
// holds and knows nothing of what that means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "web/server/limits.h"
#include "web/server/router.h"

namespace web {

struct ListenAddress {
  std::string bind = "127.0.0.1";  // an IP address literal; "0.0.0.0" or "::" for every interface
  std::uint16_t port = 8080;       // 0: any free one
};

class HttpServer {
 public:
  // Listens and starts the thread. Errors name address, port and the flag that mends it: conflict (port in use), denied
  // (privileged port), invalid (not an address of this machine), io.
  static base::Result<std::unique_ptr<HttpServer>> start(const ListenAddress& address, std::unique_ptr<Router> router,
                                                         ServerLimits limits = {});
  // Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The port that is listened on, also if any was asked for.
  [[nodiscard]] std::uint16_t port() const;

  // Refuses new connections, ends event streams and idle connections at once, lets answers under way finish within
  // limits.stop_grace, joins the thread. Any thread but the server's own; calls after the first do nothing.
  void stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace web
