#include "http/date.h"

#include <gtest/gtest.h>

namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(HttpDate, ReadsTheThreeFormsOfTheStandard) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), base::UnixMillis(seconds(784111777))) << text;
  }
  EXPECT_EQ(parse_http_date("yesterday"), std::nullopt);
}

TEST(RetryAfter, IsSecondsOrADate) {
  const base::UnixMillis now = seconds(784111777);
  const std::pair<const char*, std::optional<milliseconds>> cases[] = {
      {"0", milliseconds(0)},
      {"7", milliseconds(7000)},
      {"Sun, 06 Nov 1994 08:49:47 GMT", milliseconds(10'000)},
      {"Sun, 06 Nov 1994 08:49:27 GMT", milliseconds(0)},
      {"soon", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(parse_retry_after(text, now), expected) << text;
}

}  // namespace
}  // namespace http
