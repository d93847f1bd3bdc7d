#include "cli/point_in_time.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

// 2026-11-22T20:00:00Z
constexpr base::UnixMillis kNow{1'795'377'600'000};

class PointInTime : public testing::Test {
 protected:
  static void zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  void TearDown() override { zone("UTC"); }
  static std::string parsed(std::string_view text) {
    const auto time = parse_point_in_time(text, kNow);
    return time ? base::to_rfc3339(*time) : "error: " + time.error().message;
  }
};

TEST_F(PointInTime, WithAZoneIsThatMoment) {
  zone("Asia/Tokyo");
  EXPECT_EQ(parsed("2026-11-22T14:30:00Z"), "2026-11-22T14:30:00Z");
  EXPECT_EQ(parsed("2026-11-22T14:30:00.25+01:00"), "2026-11-22T13:30:00.25Z");
  EXPECT_EQ(parsed("2026-11-22T14:30:00-08:00"), "2026-11-22T22:30:00Z");
}

TEST_F(PointInTime, WithoutAZoneIsLocal) {
  zone("Europe/Berlin");
  EXPECT_EQ(parsed("2026-11-22"), "2026-11-21T23:00:00Z");
  EXPECT_EQ(parsed("2026-11-22 14:30"), "2026-11-22T13:30:00Z");
  EXPECT_EQ(parsed("2026-07-22 14:30:05"), "2026-07-22T12:30:05Z");
  EXPECT_EQ(parsed("2026-07-22T14:30"), "2026-07-22T12:30:00Z");
  zone("Asia/Kolkata");
  EXPECT_EQ(parsed("2026-11-22 14:30"), "2026-11-22T09:00:00Z");
  zone("UTC");
  EXPECT_EQ(parsed("2026-11-22 14:30"), "2026-11-22T14:30:00Z");
}

TEST_F(PointInTime, DayWordsGoByTheLocalCalendar) {
  zone("UTC");
  EXPECT_EQ(parsed("yesterday 14:30"), "2026-11-21T14:30:00Z");
  EXPECT_EQ(parsed("today"), "2026-11-22T00:00:00Z");
  zone("Asia/Tokyo");  // where it is the 23rd already
  EXPECT_EQ(parsed("yesterday 14:30"), "2026-11-22T05:30:00Z");
  EXPECT_EQ(parsed("today 01:00"), "2026-11-22T16:00:00Z");
}

TEST_F(PointInTime, RelativeTimesCountBackFromNow) {
  EXPECT_EQ(parsed("-2h"), "2026-11-22T18:00:00Z");
  EXPECT_EQ(parsed("-1h30m"), "2026-11-22T18:30:00Z");
  EXPECT_EQ(parsed("-500ms"), "2026-11-22T19:59:59.5Z");
  EXPECT_EQ(parsed("-3d"), "2026-11-19T20:00:00Z");
}

TEST_F(PointInTime, AHourThatComesTwiceIsAskedBack) {
  zone("Europe/Berlin");
  EXPECT_THAT(parsed("2026-10-25 02:30"),
              testing::HasSubstr("comes twice, as the clocks are set back; write 2026-10-25T00:30:00Z or "
                                 "2026-10-25T01:30:00Z"));
  EXPECT_EQ(parsed("2026-10-25 01:59"), "2026-10-24T23:59:00Z");
  EXPECT_EQ(parsed("2026-10-25 03:00"), "2026-10-25T02:00:00Z");
}

TEST_F(PointInTime, AnHourThatDoesNotComeIsSaidSo) {
  zone("America/New_York");
  EXPECT_THAT(parsed("2026-03-08 02:30"), testing::HasSubstr("does not come, as the clocks are set forward"));
  EXPECT_EQ(parsed("2026-03-08 03:00"), "2026-03-08T07:00:00Z");
}

TEST_F(PointInTime, WhatIsNoTimeIsRefusedWithExamples) {
  for (const char* text :
       {"", "now", "2026", "2026-13-01", "2026-02-30", "2026-11-22 25:00", "2026-11-22 14", "2026-11-22 14:30 UTC",
        "2026-11-22  14:30", "yesterday14:30", "yesterday 2pm", "-", "-2", "-d", "-2w", "2h", "--2h", "-9999999d"}) {
    EXPECT_THAT(parsed(text), testing::HasSubstr("is not a time; write ")) << text;
  }
}

}  // namespace
}  // namespace cli
