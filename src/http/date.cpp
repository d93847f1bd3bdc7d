#include "http/date.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <curl/curl.h>

namespace http {

std::optional<base::UnixMillis> parse_http_date(std::string_view text) {
  const time_t seconds = curl_getdate(std::string(text).c_str(), nullptr);
  if (seconds == -1) return std::nullopt;
  return std::chrono::seconds(seconds);
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, base::UnixMillis now) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && end == text.data() + text.size()) return std::chrono::seconds(seconds);
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::max(std::chrono::milliseconds(0), *date - now);
}

}  // namespace http
