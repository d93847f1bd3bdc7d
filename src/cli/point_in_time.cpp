#include "cli/point_in_time.h"

#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/values.h"
#include "storage/timestamp.h"

namespace cli {
namespace {

using base::Category;
using base::UnixMillis;

constexpr UnixMillis kDay{86'400'000};
constexpr long kDaysMax = 36'500;

std::unexpected<base::Error> not_a_time(std::string_view text) {
  return base::fail(Category::invalid,
                    fmt::format("\"{}\" is not a time; write 2026-11-22T14:30:00Z, 2026-11-22, \"2026-11-22 14:30\", "
                                "\"yesterday 14:30\" or -2h",
                                text));
}

// Digits of a fixed count; moves `text` past them.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int value = 0;
  if (text.size() < count) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, value);
  if (error != std::errc{} || end != text.data() + count || value < 0) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool parse_date(std::string_view& text, std::tm& day) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return false;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return false;
  const auto date = take_digits(text, 2);
  if (!date || *month < 1 || *month > 12 || *date < 1 || *date > 31) return false;
  day.tm_year = *year - 1900;
  day.tm_mon = *month - 1;
  day.tm_mday = *date;
  return true;
}

bool parse_clock(std::string_view& text, std::tm& day) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ":")) return false;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return false;
  int second = 0;
  if (take(text, ":")) {
    const auto seconds = take_digits(text, 2);
    if (!seconds || *seconds > 59) return false;
    second = *seconds;
  }
  day.tm_hour = *hour;
  day.tm_min = *minute;
  day.tm_sec = second;
  return text.empty();
}

bool same_clock(const std::tm& a, const std::tm& b) {
  return a.tm_mday == b.tm_mday && a.tm_mon == b.tm_mon && a.tm_year == b.tm_year && a.tm_hour == b.tm_hour &&
         a.tm_min == b.tm_min && a.tm_sec == b.tm_sec;
}

// The moments at which a local clock shows `wanted`: none, one, or two where clocks are set back.
struct Moments {
  std::optional<std::time_t> summer, winter;
};

Moments moments_of(const std::tm& wanted) {
  Moments found;
  for (const int summer : {1, 0}) {
    std::tm tried = wanted;
    tried.tm_isdst = summer;
    const std::time_t moment = std::mktime(&tried);
    std::tm shown{};
    if (localtime_r(&moment, &shown) == nullptr || !same_clock(shown, wanted)) continue;
    (summer == 1 ? found.summer : found.winter) = moment;
  }
  return found;
}

base::Result<UnixMillis> local_time(std::tm wanted, std::string_view text) {
  const auto as_utc = [](std::time_t moment) { return base::to_rfc3339(UnixMillis{std::int64_t{moment} * 1000}); };
  const Moments found = moments_of(wanted);
  if (found.summer && found.winter && *found.summer != *found.winter) {
    return base::fail(Category::invalid, fmt::format("\"{}\" comes twice, as the clocks are set back; write {} or {}",
                                                     text, as_utc(*found.summer), as_utc(*found.winter)));
  }
  if (!found.summer && !found.winter) {
    // mktime() takes 31 February for a day in March, and says what it made of it.
    std::tm made = wanted;
    made.tm_isdst = -1;
    const std::time_t near = std::mktime(&made);
    if (made.tm_mday != wanted.tm_mday) return not_a_time(text);
    return base::fail(Category::invalid,
                      fmt::format("\"{}\" does not come, as the clocks are set forward; write {}", text, as_utc(near)));
  }
  return UnixMillis{std::int64_t{found.summer ? *found.summer : *found.winter} * 1000};
}

base::Result<UnixMillis> before_now(std::string_view text, UnixMillis now) {
  std::string_view rest = text.substr(1);
  if (rest.ends_with('d')) {
    long days = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size() - 1, days);
    if (error != std::errc{} || end != rest.data() + rest.size() - 1 || days < 0 || days > kDaysMax) {
      return not_a_time(text);
    }
    return now - days * kDay;
  }
  const auto duration = parse_duration(rest);
  if (!duration) return not_a_time(text);
  return now - *duration;
}

// "today" and "yesterday", by the local calendar.
bool parse_day_word(std::string_view& rest, UnixMillis now, std::tm& day) {
  const bool yesterday = rest.starts_with("yesterday");
  if (!yesterday && !rest.starts_with("today")) return false;
  rest.remove_prefix(yesterday ? 9 : 5);
  const std::time_t seconds = now.count() / 1000;
  std::tm today{};
  if (localtime_r(&seconds, &today) == nullptr) return false;
  // Noon exists on every day, so the calendar can be counted from it.
  today.tm_hour = 12;
  today.tm_min = today.tm_sec = 0;
  today.tm_mday -= yesterday ? 1 : 0;
  today.tm_isdst = -1;
  std::mktime(&today);
  day.tm_year = today.tm_year;
  day.tm_mon = today.tm_mon;
  day.tm_mday = today.tm_mday;
  return true;
}

}  // namespace

base::Result<UnixMillis> parse_point_in_time(std::string_view text, UnixMillis now) {
  if (text.starts_with('-')) return before_now(text, now);
  if (const auto time = storage::parse_rfc3339(text)) return *time;
  std::tm day{};
  std::string_view rest = text;
  if (!parse_day_word(rest, now, day) && !parse_date(rest, day)) return not_a_time(text);
  if (!rest.empty() && ((!take(rest, " ") && !take(rest, "T")) || !parse_clock(rest, day))) return not_a_time(text);
  return local_time(day, text);
}

}  // namespace cli
