#include <ctime>

#include <fmt/format.h>

#include "base/clock.h"

namespace base {

std::string to_rfc3339(UnixMillis time) {
  const std::int64_t total = time.count();
  const std::int64_t fraction = ((total % 1000) + 1000) % 1000;
  const auto seconds = static_cast<std::time_t>((total - fraction) / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                                 utc.tm_hour, utc.tm_min, utc.tm_sec);
  if (fraction != 0) {
    text += fmt::format(".{:03}", fraction);
    while (text.back() == '0') text.pop_back();
  }
  return text + "Z";
}

}  // namespace base
