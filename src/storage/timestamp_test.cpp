#include "storage/timestamp.h"

#include <gtest/gtest.h>

namespace storage {
namespace {

using std::chrono::milliseconds;

TEST(Rfc3339, IsReadInTheFormsThatStoresWrite) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2025-11-22T20:38:17.498Z", 1'763'843'897'498},
      {"2025-11-22T20:38:17.5Z", 1'763'843'897'500},
      {"2025-11-22T20:38:17Z", 1'763'843'897'000},
      {"2025-11-22T20:38:17.123456789Z", 1'763'843'897'123},
      {"2025-11-22T21:38:17+01:00", 1'763'843'897'000},
      {"2025-11-22T15:08:17-05:30", 1'763'843'897'000},
      {"2024-02-29T00:00:00.000Z", 1'709'164'800'000},
      {"1969-12-31T23:59:59.5Z", -500},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(parse_rfc3339(text), milliseconds(expected)) << text;
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text :
       {"", "2025", "2025-11-22", "2025-11-22T20:38:17", "2025-13-22T20:38:17Z", "2025-02-29T00:00:00Z",
        "2025-11-22T24:00:00Z", "2025-11-22T20:60:00Z", "2025-11-22T20:38:17.Z", "2025-11-22T20:38:17.1234567890Z",
        "2025-11-22T20:38:17ZZ", "2025-11-22T20:38:17+1:00", "+025-11-22T20:38:17Z", "Sat, 22 Nov 2025 20:38:17 GMT"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(Rfc3339, IsTheInverseOfWhatWeWrite) {
  for (const std::int64_t time : {0LL, 1LL, 999LL, 1'763'843'897'490LL, 4'102'444'799'999LL}) {
    EXPECT_EQ(parse_rfc3339(base::to_rfc3339(milliseconds(time))), milliseconds(time));
  }
}

}  // namespace
}  // namespace storage
