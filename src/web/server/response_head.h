// The header of an answer as bytes.
#pragma once

#include <ctime>
#include <optional>
#include <string>

#include "web/server/message.h"

namespace web {

enum class KeepAlive { yes, no };

// Status line, Date, the security headers that every answer carries, those of `response`, and the empty line.
// Content-Length is the body's size also for HEAD; 304 has none.
std::string render_head(const Response& response, KeepAlive keep_alive, std::time_t now);
// The same for an answer that has no end.
std::string render_stream_head(std::time_t now);

}  // namespace web
