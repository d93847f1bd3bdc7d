// One HTTP/1.1 connection: reads requests, asks the router, writes answers, or turns into an event stream. Beast's
// parser is used behind this header only.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "web/server/event_hub.h"
#include "web/server/limits.h"
#include "web/server/router.h"

namespace web {

class Connection;

// What the connections of one server share; touched on the server's thread only and outlives all of them.
struct ServerState {
  std::unique_ptr<Router> router;
  ServerLimits limits;
  bool loopback_only = false;  // the Host header must then name loopback (host_check.h)
  bool stopping = false;
  std::size_t sending_bytes = 0;
  std::size_t sources = 0;        // bodies that are read while they are sent
  std::unique_ptr<EventHub> hub;  // set if the router has a feed
  std::unordered_set<Connection*> connections;
};

// Runs until the peer or the server ends the connection. Never throws for what a peer does.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket, ServerState& state);

// Closes connections that wait for a request; those with an answer under way end after it.
void close_idle_connections(ServerState& state);
// Closes all of them, now.
void close_all_connections(ServerState& state);

}  // namespace web
