#include "web/server/http_server.h"

#include <csignal>
#include <exception>
#include <thread>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <pthread.h>

#include "base/log.h"
#include "web/server/connection.h"
#include "web/server/response_head.h"

namespace web {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kAcceptRetry{100};

base::Error describe_listen_error(const ListenAddress& address, const boost::system::error_code& error) {
  const std::string what = fmt::format("cannot listen on {} port {}: ", address.bind, address.port);
  if (error == asio::error::address_in_use) {
    return {base::Category::conflict, what + "the port is in use; choose another with -port, or -port 0 for any", {}};
  }
  if (error == asio::error::access_denied) {
    return {base::Category::denied, what + "not permitted; choose a port above 1023 with -port", {}};
  }
  if (error == boost::system::errc::address_not_available) {
    return {base::Category::invalid, what + "this machine has no such address; change -bind", {}};
  }
  return {base::Category::io, what + error.message() + "; -port and -bind choose another address", {}};
}

// Signals are for the thread that waits for them.
void prepare_thread() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "lm-web");
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(std::unique_ptr<Router> router, ServerLimits limits) : acceptor_(io_), grace_(io_), accept_retry_(io_) {
    state_.router = std::move(router);
    state_.limits = limits;
    if (EventFeed* feed = state_.router->event_feed()) {
      state_.hub = std::make_unique<EventHub>(io_.get_executor(), *feed, state_.limits);
    }
  }

  base::Result<> listen(const ListenAddress& address) {
    boost::system::error_code not_an_address;
    const auto ip = asio::ip::make_address(address.bind, not_an_address);
    if (not_an_address) {
      return base::fail(base::Category::invalid,
                        fmt::format("cannot listen on \"{}\": -bind takes an IP address", address.bind));
    }
    const tcp::endpoint endpoint(ip, address.port);
    state_.loopback_only = ip.is_loopback();
    try {
      acceptor_.open(endpoint.protocol());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      if (ip.is_v6() && ip.is_unspecified()) acceptor_.set_option(asio::ip::v6_only(false));
      acceptor_.bind(endpoint);
      acceptor_.listen();
      port_ = acceptor_.local_endpoint().port();
    } catch (const boost::system::system_error& failure) {
      return base::fail(describe_listen_error(address, failure.code()));
    }
    return {};
  }

  void run_in_thread() {
    asio::co_spawn(io_, accept_loop(), asio::detached);
    thread_ = std::thread([this] {
      prepare_thread();
      io_.run();
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { begin_stop(); });
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  asio::awaitable<void> accept_loop() {
    while (!state_.stopping) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) {
        // Out of descriptors, or the peer has gone already: a moment later it may work again.
        if (state_.stopping) break;
        accept_retry_.expires_after(kAcceptRetry);
        co_await accept_retry_.async_wait(asio::as_tuple(asio::use_awaitable));
        continue;
      }
      if (state_.connections.size() >= state_.limits.connections_max) {
        turn_away(std::move(socket));
        continue;
      }
      boost::system::error_code ignored;
      std::ignore = socket.set_option(tcp::no_delay(true), ignored);
      asio::co_spawn(io_, serve_connection(std::move(socket), state_),
                     [this](const std::exception_ptr& failure) { connection_ended(failure); });
    }
  }

  // One attempt that never waits; whoever comes while we are full is not worth a queue.
  static void turn_away(tcp::socket socket) {
    Response response = make_response(503, kPlainText, "503: too many connections\n");
    response.headers.emplace_back("Retry-After", "5");
    const std::string text = render_head(response, KeepAlive::no, std::time(nullptr)) + *response.body;
    boost::system::error_code ignored;
    std::ignore = socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    std::ignore = socket.shutdown(tcp::socket::shutdown_both, ignored);
  }

  void connection_ended(const std::exception_ptr& failure) {
    if (state_.stopping && state_.connections.empty()) grace_.cancel();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      base::log::error("web connection failed", {{"error", e.what()}});
    }
  }

  // The loop ends by itself once nothing is pending any more.
  void begin_stop() {
    state_.stopping = true;
    boost::system::error_code ignored;
    std::ignore = acceptor_.close(ignored);
    accept_retry_.cancel();
    if (state_.hub) state_.hub->stop();
    close_idle_connections(state_);
    if (state_.connections.empty()) return;
    grace_.expires_after(state_.limits.stop_grace);
    grace_.async_wait([this](const boost::system::error_code&) { close_all_connections(state_); });
  }

  asio::io_context io_{1};
  ServerState state_;
  tcp::acceptor acceptor_;
  asio::steady_timer grace_;
  asio::steady_timer accept_retry_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  stop();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(const ListenAddress& address,
                                                            std::unique_ptr<Router> router, ServerLimits limits) {
  auto impl = std::make_unique<Impl>(std::move(router), limits);
  TRY(impl->listen(address));
  impl->run_in_thread();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const {
  return impl_->port();
}
void HttpServer::stop() {
  impl_->stop();
}

}  // namespace web
