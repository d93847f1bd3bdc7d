#include "history/calendar.h"

#include <chrono>

namespace history {
namespace {

using std::chrono::days;
using std::chrono::hours;
using Time = std::chrono::sys_time<base::UnixMillis>;

SlotSpan month_of(base::UnixMillis time) {
  const std::chrono::year_month_day date{std::chrono::floor<days>(Time{time})};
  const auto first = date.year() / date.month() / 1;
  const auto next = first + std::chrono::months{1};
  return {std::chrono::sys_days{first}.time_since_epoch(), std::chrono::sys_days{next}.time_since_epoch()};
}

SlotSpan week_of(base::UnixMillis time) {
  const auto day = std::chrono::floor<days>(Time{time});
  const auto monday = day - (std::chrono::weekday{day} - std::chrono::Monday);
  return {monday.time_since_epoch(), (monday + days{7}).time_since_epoch()};
}

}  // namespace

SlotSpan slot_of(Slot slot, base::UnixMillis time) {
  switch (slot) {
    case Slot::hour:
      return {floor_hour(time), floor_hour(time) + hours{1}};
    case Slot::day: {
      const auto begin = std::chrono::floor<days>(time);
      return {begin, begin + days{1}};
    }
    case Slot::week:
      return week_of(time);
    case Slot::month:
      return month_of(time);
  }
  return {time, time};
}

base::UnixMillis floor_hour(base::UnixMillis time) {
  return std::chrono::floor<hours>(time);
}

base::UnixMillis ceil_hour(base::UnixMillis time) {
  return std::chrono::ceil<hours>(time);
}

}  // namespace history
