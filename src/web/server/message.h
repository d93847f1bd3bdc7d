// One request and its response as plain values: endpoints and tests know nothing of sockets.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace web {

// Views live as long as the call that passes the request.
struct Request {
  std::string_view path;           // "/api/status", as sent, without the query
  std::string_view query;          // what stands after '?', as sent
  std::string_view if_none_match;  // empty: not sent
};

struct Response {
  int status = 200;
  std::string_view content_type;            // static text; empty: no body, no Content-Type
  std::shared_ptr<const std::string> body;  // shared, so that a cached body is sent without a copy; may be null
  std::vector<std::pair<std::string_view, std::string>> headers;  // static names, values without line breaks
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
