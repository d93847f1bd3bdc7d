#include "web/server/response_head.h"

#include <array>

#include <fmt/format.h>

namespace web {

namespace {

// The dashboard needs its own scripts, styles and API and nothing else: no inline code, no frame, no other origin. Its
// forms go to its own API; without a referrer policy that lets them, they would not say where they come from (Origin).
constexpr std::string_view kSecurityHeaders =
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", in English whatever the locale.
std::string http_date(std::time_t now) {
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  gmtime_r(&now, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                     kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string head_begin(int status, std::time_t now) {
  return fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n{}", status, reason(status), http_date(now), kSecurityHeaders);
}

}  // namespace

std::string render_head(const Response& response, KeepAlive keep_alive, std::time_t now) {
  std::string head = head_begin(response.status, now);
  if (!response.content_type.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (response.status != 304) {
    const std::uint64_t size = response.source ? response.source->size_bytes()
                               : response.body ? response.body->size()
                                               : 0;
    head += fmt::format("Content-Length: {}\r\n", size);
  }
  head += keep_alive == KeepAlive::yes ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

std::string render_stream_head(std::time_t now) {
  return head_begin(200, now) +
         "Content-Type: text/event-stream; charset=utf-8\r\n"
         "Cache-Control: no-store\r\n"
         "X-Accel-Buffering: no\r\n"  // nginx would otherwise hold frames back
         "Connection: close\r\n\r\n";
}

}  // namespace web
