// One request and its response as plain values: endpoints and tests know nothing of sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace web {

// Views live as long as the call that passes the request.
struct Request {
  std::string_view path;           // "/api/status", as sent, without the query
  std::string_view query;          // what stands after '?', as sent
  std::string_view if_none_match;  // empty: not sent
  std::string_view method = "GET";
  std::string_view body = {};
  // Headers as sent; empty: not sent.
  std::string_view content_type = {};
  std::string_view authorization = {};
  std::string_view origin = {};
  std::string_view host = {};
  std::string_view forwarded_host = {};
};

// A body too large to hold: read a piece at a time, on the server's thread, so a local file and nothing slower.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Does not change while it is sent.
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // Bytes read, fewer than asked for only at the end. An error ends the connection: the peer sees too short a body.
  virtual base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) = 0;
};

struct Response {
  int status = 200;
  std::string_view content_type;            // static text; empty: no body, no Content-Type
  std::shared_ptr<const std::string> body;  // shared, so that a cached body is sent without a copy; may be null
  std::vector<std::pair<std::string_view, std::string>> headers;  // static names, values without line breaks
  std::shared_ptr<BodySource> source = nullptr;                   // in place of `body`
};

inline constexpr std::string_view kJson = "application/json; charset=utf-8";
inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

Response make_response(int status, std::string_view content_type, std::string body);

// A cacheable answer: 304 without body if the browser already holds `etag` (quoted text), otherwise 200 with it. It is
// asked again each time ("no-cache"), which costs a few bytes while nothing has changed.
Response make_cacheable(const Request& request, std::string etag, std::string_view content_type,
                        std::shared_ptr<const std::string> body);

// True if the If-None-Match header names `etag` or is "*". Weak and strong tags compare alike, as RFC 9110 says for it.
bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace web
