// The inverse of base::to_rfc3339.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace storage {

// "2026-11-22T20:38:17.498Z" or with an offset such as "+01:00", with 0 to 9 fraction digits; digits past the
// millisecond are cut off. nullopt for anything else.
std::optional<base::UnixMillis> parse_rfc3339(std::string_view text);

}  // namespace storage
