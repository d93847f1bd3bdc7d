// What one client may ask of the web server, and for how long.
#pragma once

#include <chrono>
#include <cstddef>

namespace web {

struct ServerLimits {
  std::size_t header_bytes_max = 8 * 1024;            // more: 431
  std::size_t body_bytes_max = 16 * 1024;             // where one is taken; more: 413
  std::size_t unused_body_bytes_max = 4 * 1024;       // where none is; more: 413
  std::size_t connections_max = 1'200;                // more: 503 and closed at once
  std::size_t event_streams_max = 1'000;              // of these connections; more: 503
  std::size_t stream_queue_bytes_max = 256 * 1024;    // waiting for one slow listener; more: it must resynchronise
  std::size_t send_bytes_per_second_min = 16 * 1024;  // a slower reader is cut off, beyond send_grace
  std::size_t sending_bytes_max =
      64U << 20U;               // bodies on their way to all clients; more: 503, unless it is the only one
  std::size_t sources_max = 8;  // bodies that are read while they are sent; more: 503
  std::size_t source_piece_bytes = 128 * 1024;  // of such a body in memory

  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request to the last of its header
  std::chrono::milliseconds idle_timeout{60'000};    // between requests
  std::chrono::milliseconds send_grace{30'000};
  std::chrono::milliseconds stop_grace{1'000};            // for answers under way when the server stops
  std::chrono::milliseconds event_interval{250};          // at most one frame in this time
  std::chrono::milliseconds keep_alive_interval{20'000};  // a comment on quiet streams, so that proxies keep them open
};

}  // namespace web
