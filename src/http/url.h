// URLs as values, and percent encoding by RFC 3986. Pure; no allocation beyond the results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace http {

// An http or https URL in its parts. `path` and `query` stand as written (still encoded), the path with its leading '/'
// ("" becomes "/"), the query without its '?'. `host` is lower case; an IPv6 address keeps its brackets.
struct Url {
  std::string scheme;
  std::string host;
  std::optional<std::uint16_t> port;  // none: the scheme's own
  std::string path = "/";
  std::string query;
  friend bool operator==(const Url&, const Url&) = default;
};

// Category::invalid with what is wrong. A user name or password in the URL is refused: secrets do not travel in URLs.
base::Result<Url> parse_url(std::string_view text);

// "host" or "host:port", the port left out where it is the scheme's own: what stands in the Host header.
std::string host_header(const Url& url);
// "scheme://host[:port]" without path.
std::string origin(const Url& url);

enum class Slash { encode, keep };
// Everything except A-Z a-z 0-9 - . _ ~ (and '/' if kept) as %XX with upper-case digits.
std::string percent_encode(std::string_view text, Slash slash);

enum class Plus { literal, space };
// nullopt if a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

}  // namespace http
