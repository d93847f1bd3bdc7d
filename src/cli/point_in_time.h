// The times that people name when they ask for a past state. Pure but for the time zone, which is the process's (TZ).
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace cli {

//   2026-11-22T14:30:00Z, 2026-11-22T14:30:00.25+01:00     RFC 3339, with its zone
//   2026-11-22, 2026-11-22 14:30, 2026-11-22 14:30:05      local time; a date alone is its first moment
//   today, yesterday, yesterday 14:30, today 09:00:30      local time
//   -2h, -1h30m, -45s, -3d                                 before `now`
//
// Category::invalid: anything else, also a local time that a change of clocks leaves out or repeats (the message gives
// the ways to write it with a zone).
base::Result<base::UnixMillis> parse_point_in_time(std::string_view text, base::UnixMillis now);

}  // namespace cli
