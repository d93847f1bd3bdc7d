#include "web/api_access.h"

#include <algorithm>

#include <fmt/format.h>

#include "web/server/router.h"

namespace web {
namespace {

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A browser names the page's origin with every request that could change something. A proxy may have given the request
// another Host; what it was is then in X-Forwarded-Host, a header that no foreign page can set.
bool is_own_origin(const Request& request) {
  if (request.origin.empty()) return true;  // no browser
  const std::size_t scheme = request.origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null": a sandbox, a file
  const std::string_view authority = request.origin.substr(scheme + 3);
  if (authority.empty()) return false;
  return equal_ignoring_case(authority, request.host) || equal_ignoring_case(authority, request.forwarded_host);
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  // The length of a token is no secret.
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference =
        static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() < kScheme.size() || !equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  return trim(authorization.substr(kScheme.size()));
}

bool has_media_type(std::string_view content_type, std::string_view expected) {
  return equal_ignoring_case(trim(content_type.substr(0, content_type.find(';'))), expected);
}

ApiAccess::ApiAccess(base::Secret token, std::string token_file)
    : token_(std::move(token)), token_file_(std::move(token_file)) {}

std::optional<Response> ApiAccess::refuse(const Request& request, std::string_view offered) const {
  if (!is_own_origin(request)) {
    return json_error(403,
                      "this request comes from another site's page; open the dashboard itself (a proxy has to pass "
                      "the Host header on, or X-Forwarded-Host)");
  }
  if (!token_.empty() && equal_in_constant_time(offered, token_.reveal())) return std::nullopt;
  Response response = json_error(
      401, fmt::format("{}; it stands in {} on the server, readable by the daemon's user and root; send it as "
                       "\"Authorization: Bearer TOKEN\"",
                       offered.empty() ? "a token is needed" : "this is not the token", token_file_));
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace web
