#include "http/url.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace http {

namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

char to_lower(char c) {
  return (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_lower);
  return result;
}

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

bool is_host_character(char c) {
  return is_unreserved(c) || c == '[' || c == ']' || c == ':';
}

base::Result<> split_authority(std::string_view authority, std::string_view text, Url& url) {
  if (authority.contains('@')) {
    return base::fail(base::Category::invalid, "URL must not hold a user name or password");
  }
  std::string_view host = authority;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = authority.substr(0, colon);
    const std::string_view digits = authority.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
      return base::fail(base::Category::invalid, fmt::format("URL '{}': '{}' is not a port", text, digits));
    }
    url.port = port;
  }
  const bool bare_colon = !host.starts_with('[') && host.contains(':');
  if (host.empty() || bare_colon || !std::ranges::all_of(host, is_host_character)) {
    return base::fail(base::Category::invalid, fmt::format("URL '{}' has no valid host name", text));
  }
  url.host = lower(host);
  return {};
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  Url url;
  if (scheme_end != std::string_view::npos) url.scheme = lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return base::fail(base::Category::invalid, "URL must begin with http:// or https://");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = rest.find_first_of("/?");
  TRY(split_authority(rest.substr(0, authority_end), text, url));
  if (authority_end == std::string_view::npos) return url;
  rest.remove_prefix(authority_end);
  const std::size_t question = rest.find('?');
  if (question != 0) url.path = rest.substr(0, question);
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  return url;
}

std::string host_header(const Url& url) {
  if (!url.port || *url.port == default_port(url.scheme)) return url.host;
  return fmt::format("{}:{}", url.host, *url.port);
}

std::string origin(const Url& url) {
  return fmt::format("{}://{}", url.scheme, host_header(url));
}

std::string percent_encode(std::string_view text, Slash slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    if (is_unreserved(c) || (c == '/' && slash == Slash::keep)) {
      result.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result.push_back('%');
    result.push_back(kDigits[byte >> 4]);
    result.push_back(kDigits[byte & 15]);
  }
  return result;
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      result.push_back(' ');
    } else if (text[i] != '%') {
      result.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      result.push_back(static_cast<char>((*high << 4) | *low));
      i += 2;
    }
  }
  return result;
}

}  // namespace http
