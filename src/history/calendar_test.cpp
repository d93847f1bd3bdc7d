#include "history/calendar.h"

#include <chrono>

#include <gtest/gtest.h>

#include "history/retention_clock.h"

namespace history {
namespace {

using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using namespace std::chrono_literals;

UnixMillis at(std::chrono::year_month_day date, std::chrono::milliseconds time = {}) {
  return std::chrono::sys_days{date}.time_since_epoch() + time;
}

TEST(Calendar, SlotsAreThoseOfUtc) {
  const UnixMillis time = at(2024y / 2 / 29, 13h + 45min + 1ms);  // a Thursday
  EXPECT_EQ(slot_of(Slot::hour, time), (SlotSpan{at(2024y / 2 / 29, 13h), at(2024y / 2 / 29, 14h)}));
  EXPECT_EQ(slot_of(Slot::day, time), (SlotSpan{at(2024y / 2 / 29), at(2024y / 3 / 1)}));
  EXPECT_EQ(slot_of(Slot::week, time), (SlotSpan{at(2024y / 2 / 26), at(2024y / 3 / 4)}));
  EXPECT_EQ(slot_of(Slot::month, time), (SlotSpan{at(2024y / 2 / 1), at(2024y / 3 / 1)}));
}

TEST(Calendar, ASlotsBeginIsInItAndItsEndIsNot) {
  const UnixMillis monday = at(2024y / 1 / 1);
  for (const Slot slot : {Slot::hour, Slot::day, Slot::week, Slot::month}) {
    EXPECT_EQ(slot_of(slot, monday).begin, monday);
    EXPECT_EQ(slot_of(slot, monday - 1ms).end, monday);
  }
}

TEST(Calendar, TimesBeforeTheEpochHaveSlotsToo) {
  EXPECT_EQ(slot_of(Slot::day, UnixMillis{-1}), (SlotSpan{at(1969y / 12 / 31), UnixMillis{0}}));
  EXPECT_EQ(slot_of(Slot::week, UnixMillis{-1}).begin, at(1969y / 12 / 29));
  EXPECT_EQ(floor_hour(UnixMillis{-1}), -hours{1});
  EXPECT_EQ(ceil_hour(UnixMillis{-1}), UnixMillis{0});
  EXPECT_EQ(ceil_hour(UnixMillis{1}), hours{1});
}

TEST(RetentionClock, FollowsTheWallClock) {
  RetentionClock clock(at(2024y / 1 / 1));
  for (int i = 1; i <= 10; ++i) clock.advance(at(2024y / 1 / 1) + minutes{i}, minutes{1});
  EXPECT_EQ(clock.now(), at(2024y / 1 / 1) + minutes{10});
}

TEST(RetentionClock, CatchesUpADayInAnHourAndSaysSo) {
  RetentionClock clock(at(2024y / 1 / 1));
  clock.advance(at(2124y / 1 / 1), 0s);
  EXPECT_EQ(clock.now(), at(2024y / 1 / 1));
  EXPECT_GT(clock.suspicious_lead(), days{36'000});
  clock.advance(at(2124y / 1 / 1, 1h), 1h);
  EXPECT_EQ(clock.now(), at(2024y / 1 / 2));
  clock.advance(at(2024y / 1 / 2), 1s);
  EXPECT_EQ(clock.suspicious_lead(), 0s);
}

TEST(RetentionClock, GoesBackWithTheWallClock) {
  RetentionClock clock(at(2024y / 1 / 1));
  clock.advance(at(1970y / 1 / 1), 1h);
  EXPECT_EQ(clock.now(), at(1970y / 1 / 1));
  clock.advance(at(2024y / 1 / 1), -1h);
  EXPECT_EQ(clock.now(), at(1970y / 1 / 1));
}

}  // namespace
}  // namespace history
