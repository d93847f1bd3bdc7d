// The two ways in which HTTP headers speak about time.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace http {

// "Fri, 24 May 2013 00:00:00 GMT" (and the older forms of RFC 9110). nullopt if it is no date.
std::optional<base::UnixMillis> parse_http_date(std::string_view text);

// A Retry-After header: seconds, or a date seen from `now`. Never negative. nullopt if it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, base::UnixMillis now);

}  // namespace http
