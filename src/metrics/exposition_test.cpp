#include "metrics/exposition.h"

#include <array>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using metrics::Exposition;
using metrics::Kind;

TEST(Exposition, WritesHelpTypeAndSampleInThisOrder) {
  Exposition out;
  out.counter("jobs_total", "Jobs done.", 3);
  EXPECT_EQ(std::move(out).text(), "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 3\n");
}

TEST(Exposition, SamplesOfAFamilyFollowItWithTheirLabels) {
  Exposition out;
  out.family(Kind::gauge, "clients", "Clients.");
  out.sample({{"state", "live"}}, 4);
  out.sample({{"state", "idle"}, {"bucket", "b"}}, 5);
  EXPECT_EQ(std::move(out).text(),
            "# HELP clients Clients.\n# TYPE clients gauge\n"
            "clients{state=\"live\"} 4\nclients{state=\"idle\",bucket=\"b\"} 5\n");
}

TEST(Exposition, LargeIntegersKeepEveryDigit) {
  Exposition out;
  out.gauge("bytes", "B.", std::numeric_limits<std::uint64_t>::max());
  EXPECT_THAT(std::move(out).text(), testing::EndsWith("bytes 18446744073709551615\n"));
}

TEST(Exposition, EscapesLabelValues) {
  struct Case {
    std::string_view raw, written;
  };
  for (const Case& c :
       {Case{R"(C:\data)", R"(C:\\data)"}, Case{"a\nb", R"(a\nb)"}, Case{R"(say "hi")", R"(say \"hi\")"},
        Case{"\\\n\"", R"(\\\n\")"}, Case{"caf\xc3\xa9 {x=1}", "caf\xc3\xa9 {x=1}"}, Case{"", ""}}) {
    Exposition out;
    out.family(Kind::gauge, "g", "G.");
    out.sample({{"db", c.raw}}, 1);
    EXPECT_THAT(std::move(out).text(), testing::EndsWith("g{db=\"" + std::string(c.written) + "\"} 1\n"));
  }
}

TEST(Exposition, HelpEscapesBackslashAndNewlineButNotQuotes) {
  Exposition out;
  out.family(Kind::gauge, "g", "one\\two\n\"three\"");
  EXPECT_THAT(std::move(out).text(), testing::StartsWith("# HELP g one\\\\two\\n\"three\"\n"));
}

TEST(Exposition, HistogramBucketsAreCumulativeAndEndWithInfinity) {
  Exposition out;
  constexpr std::array kBounds{0.5, 1.0, 10.0};
  constexpr std::array<std::uint64_t, 4> kCounts{2, 0, 3, 1};
  out.family(Kind::histogram, "seconds", "S.");
  out.sample({{"op", "put"}}, metrics::HistogramSample{kBounds, kCounts, 17.25});
  EXPECT_THAT(std::move(out).text(), testing::EndsWith("seconds_bucket{op=\"put\",le=\"0.5\"} 2\n"
                                                       "seconds_bucket{op=\"put\",le=\"1\"} 2\n"
                                                       "seconds_bucket{op=\"put\",le=\"10\"} 5\n"
                                                       "seconds_bucket{op=\"put\",le=\"+Inf\"} 6\n"
                                                       "seconds_sum{op=\"put\"} 17.25\n"
                                                       "seconds_count{op=\"put\"} 6\n"));
}

TEST(Exposition, NumbersAreSpelledAsTheFormatWants) {
  struct Case {
    double value;
    std::string_view text;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Case& c : {Case{0, "0"}, Case{1.5, "1.5"}, Case{-2, "-2"}, Case{1e300, "1e+300"}, Case{kInfinity, "+Inf"},
                        Case{-kInfinity, "-Inf"}, Case{std::numeric_limits<double>::quiet_NaN(), "NaN"}}) {
    EXPECT_EQ(metrics::format_number(c.value), c.text);
  }
}

TEST(ExpositionDeathTest, RefusesBrokenNamesAndRepeatedFamilies) {
  EXPECT_DEATH({ Exposition().gauge("1st", "x", 1); }, "is_name");
  EXPECT_DEATH({ Exposition().gauge("has-dash", "x", 1); }, "is_name");
  EXPECT_DEATH(
      {
        Exposition out;
        out.family(Kind::gauge, "g", "G.");
        out.sample({{"a:b", "v"}}, 1);
      },
      "is_name");
  EXPECT_DEATH(
      {
        Exposition out;
        out.gauge("g", "G.", 1);
        out.gauge("g", "G.", 1);
      },
      "seen_");
}

}  // namespace
