#include "cli/progress.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fan_out.h"
#include "cli/exit_code.h"
#include "cli/fleet_progress.h"
#include "cli/version.h"

namespace cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Bytes, AreWrittenInTheLargestUnitBelowThem) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(5 << 20), "5.0 MiB");
  EXPECT_EQ(format_bytes(std::uint64_t{3} << 40), "3.0 TiB");
}

TEST(Progress, LineShowsShareAmountsAndRate) {
  EXPECT_EQ(progress_line({1 << 20, 4 << 20, 2s}), " 25 %  1.0 MiB of 4.0 MiB, 512.0 KiB/s");
  EXPECT_EQ(progress_line({1 << 20, 0, 0ms}), "1.0 MiB");
}

TEST(Progress, BarGrowsWithTheShareAndFitsTheTerminal) {
  EXPECT_THAT(progress_bar({0, 100, 0ms}, 80), StartsWith("[----"));
  EXPECT_THAT(progress_bar({50, 100, 0ms}, 80), HasSubstr("####################--------------------]"));
  EXPECT_THAT(progress_bar({200, 100, 0ms}, 80), HasSubstr("#] 100 %"));
  for (const std::size_t columns : {0UL, 5UL, 40UL, 60UL, 80UL, 200UL}) {
    EXPECT_LE(progress_bar({50 << 20, 100 << 20, 3s}, columns).size(), columns);
  }
}

TEST(Progress, PaceLetsOneUpdateThroughPerInterval) {
  ProgressPace pace(100ms);
  EXPECT_FALSE(pace.due(99ms));
  EXPECT_TRUE(pace.due(100ms));
  EXPECT_FALSE(pace.due(199ms));
  EXPECT_TRUE(pace.due(205ms));
  EXPECT_FALSE(pace.due(304ms));
}

TEST(ExitCode, FollowsTheCategory) {
  using base::Category;
  struct Case {
    Category category;
    ExitCode expected;
  };
  for (const Case& c :
       {Case{Category::invalid, ExitCode::wrong_usage}, Case{Category::not_found, ExitCode::not_found},
        Case{Category::corrupt, ExitCode::verification_failed}, Case{Category::conflict, ExitCode::conflict},
        Case{Category::io, ExitCode::failed}, Case{Category::denied, ExitCode::failed},
        Case{Category::retry_later, ExitCode::failed}, Case{Category::throttled, ExitCode::failed},
        Case{Category::cancelled, ExitCode::failed}, Case{Category::unsupported, ExitCode::failed}}) {
    EXPECT_EQ(exit_code_for(c.category), c.expected) << base::to_string(c.category);
  }
}

TEST(Version, NamesTheLibrariesThatDecideHowWeBehave) {
  const std::string text = version_text();
  EXPECT_THAT(text, StartsWith("litestream-manager " + version()));
  for (const char* part : {"\nSQLite 3.", "\nlibcurl ", "\nOpenSSL ", "\nLZ4 "}) EXPECT_THAT(text, HasSubstr(part));
}

TEST(FleetLine, EstimatesByTheShareOfTheBytesThatAreStored) {
  FleetCount count{
      .done = 312, .total = 1000, .weight_done = 25, .weight_total = 100, .bytes = 640U << 20, .elapsed = 8s};
  EXPECT_EQ(fleet_line(count), "312 of 1000 clients, 640.0 MiB read, 80.0 MiB/s, about 24 s left");
  EXPECT_EQ(fleet_bar(count, 40), "[#####---------------] 312 of 1000 clien");
  count.weight_done = 1;  // too little to tell
  EXPECT_EQ(fleet_line(count), "312 of 1000 clients, 640.0 MiB read, 80.0 MiB/s");
  count.weight_done = 10;
  count.elapsed = 60s;
  EXPECT_EQ(fleet_line(count), "312 of 1000 clients, 640.0 MiB read, 10.7 MiB/s, about 9 min left");
  count.done = 1000;
  count.weight_done = 100;
  EXPECT_EQ(fleet_line(count), "1000 of 1000 clients, 640.0 MiB read, 10.7 MiB/s");
}

TEST(FanOut, DoesEverythingOnceAndBeginsNothingAfterAStop) {
  std::vector<std::atomic<int>> done(500);
  base::fan_out(done.size(), 8, {}, [&](std::size_t i) { ++done[i]; });
  EXPECT_TRUE(std::ranges::all_of(done, [](const auto& count) { return count == 1; }));
  std::stop_source stop;
  std::atomic<int> calls{0};
  base::fan_out(500, 4, stop.get_token(), [&](std::size_t) {
    if (++calls == 10) stop.request_stop();
  });
  EXPECT_GE(calls, 10);
  EXPECT_LT(calls, 20);
}

}  // namespace
}  // namespace cli
