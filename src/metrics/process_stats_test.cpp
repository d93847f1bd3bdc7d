#include "metrics/process_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/exposition.h"

namespace {

constexpr std::string_view kStat =
    "42 (lite) stream (x) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 7 0 500 123456789 300 18446744073709551615 "
    "1 1 0\n";

TEST(ProcessStats, ReadsFieldsBehindACommandNameWithSpacesAndParentheses) {
  const auto stats = metrics::parse_proc_stat(kStat, {.page_bytes = 4096, .ticks_per_second = 100});
  EXPECT_EQ(stats.cpu_seconds, 4.0);
  EXPECT_EQ(stats.threads, 7U);
  EXPECT_EQ(stats.virtual_bytes, 123456789U);
  EXPECT_EQ(stats.resident_bytes, 300U * 4096U);
}

TEST(ProcessStats, ShortOrForeignTextGivesNoFigures) {
  for (const std::string_view text : {"", "42 (x) S 1", "nothing here", "42 (x) S a b c d e f g h i j k l m n o p q"}) {
    const auto stats = metrics::parse_proc_stat(text, {});
    EXPECT_FALSE(stats.cpu_seconds || stats.resident_bytes || stats.threads) << text;
  }
}

TEST(ProcessStats, ThisProcessHasMemoryAndDescriptors) {
  const auto stats = metrics::read_process_stats();
  EXPECT_GT(stats.resident_bytes.value(), 100'000U);
  EXPECT_GE(stats.open_fds.value(), 3U);
  EXPECT_GE(stats.threads.value(), 1U);
}

TEST(ProcessStats, AbsentFiguresAreNotExported) {
  metrics::ProcessStats stats;
  stats.open_fds = 12;
  metrics::Exposition out;
  metrics::write_process_metrics(out, stats);
  const std::string text = std::move(out).text();
  EXPECT_THAT(text, testing::HasSubstr("process_open_fds 12\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("process_resident_memory_bytes")));
}

}  // namespace
