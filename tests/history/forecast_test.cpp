// What `explain -cost` foretells, beside what a daemon does in the model: each pattern runs for its days, then the
// sizes are taken from what is stored, as the program takes them, and the forecast is compared with the last month.
#include "history/forecast.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon.h"

namespace history::model {
namespace {

using base::UnixMillis;
using std::chrono::days;

struct Expected {
  std::string_view pattern;
  double active_hours;
  double requests_error;  // of 1
  double stored_factor;
};

class ForecastOf : public testing::TestWithParam<Expected> {};

struct Month {
  double commits_per_day = 0, requests_per_day = 0, snapshots_per_day = 0, stored_bytes = 0;
};

Month last_month(Daemon& daemon, const Pattern& pattern, int month_days) {
  Commit commit;
  const UnixMillis end = kStart + days{pattern.days};
  const UnixMillis begin = end - days{month_days};
  Figures before;
  std::uint64_t commits_before = 0;
  bool begun = false;
  for (std::uint64_t i = 0; pattern.next(i, commit) && commit.time < end; ++i) {
    if (!begun && commit.time >= begin) {
      begun = true;
      daemon.pass(begin);
      before = daemon.figures();
      commits_before = daemon.written().newest().value;
    }
    daemon.commit(commit);
  }
  daemon.pass(end);
  const Figures& after = daemon.figures();
  const double in_days = month_days;
  return {static_cast<double>(daemon.written().newest().value - commits_before) / in_days,
          static_cast<double>(after.requests() - before.requests()) / in_days,
          static_cast<double>(after.snapshots - before.snapshots) / in_days,
          (after.stored_byte_days - before.stored_byte_days) / in_days};
}

TEST_P(ForecastOf, IsNearWhatHappens) {
  const std::vector<Pattern> all = all_patterns();
  const Pattern& pattern = *std::ranges::find(all, GetParam().pattern, &Pattern::name);
  Daemon daemon(pattern, {});
  const Month month = last_month(daemon, pattern, 28);
  const auto objects = daemon.inventory().objects();
  const ObjectSizes sizes = ObjectSizes::measure(objects, 0);
  RetentionPolicy policy;  // no history is longer than its pattern
  policy.monthly = std::min<std::chrono::milliseconds>(policy.monthly, days{pattern.days});
  const Forecast foretold = forecast(
      {.commits_per_day = month.commits_per_day, .active_hours_per_day = GetParam().active_hours}, sizes, policy);
  fmt::print("{:<33} requests a day {:>7.0f}, foretold {:>7.0f}; snapshots {:.3f}, {:.3f}; MB {:>7.1f}, {:>7.1f}\n",
             pattern.name, month.requests_per_day, foretold.requests().total(), month.snapshots_per_day,
             foretold.snapshots, month.stored_bytes / 1e6, foretold.stored_bytes / 1e6);
  EXPECT_NEAR(foretold.requests().total(), month.requests_per_day, GetParam().requests_error * month.requests_per_day);
  EXPECT_LE(foretold.stored_bytes, GetParam().stored_factor * month.stored_bytes);
  EXPECT_GE(foretold.stored_bytes, month.stored_bytes / GetParam().stored_factor);
}

std::string name_of(const testing::TestParamInfo<Expected>& info) {
  std::string name(info.param.pattern);
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Patterns, ForecastOf,
                         testing::Values(Expected{"a minute", 24, 0.05, 2}, Expected{"a minute, tiny", 24, 0.05, 2},
                                         Expected{"a second, in office hours", 8 * 5.0 / 7, 0.05, 2},
                                         Expected{"ten minutes, VACUUM each Sunday", 24, 0.1, 2},
                                         Expected{"five minutes, grows from nothing", 24, 0.05, 2}),
                         name_of);

}  // namespace
}  // namespace history::model
