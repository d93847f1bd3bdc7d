#include "cli/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Values, DecimalsAreNumbersWithAPointAtMost) {
  EXPECT_EQ(parse_decimal("0"), 0.0);
  EXPECT_EQ(parse_decimal("0.0004"), 0.0004);
  EXPECT_EQ(parse_decimal("12"), 12.0);
  for (const char* text : {"", "-1", "+1", "1e3", "1.2.3", "1,5", "inf", "nan", " 1", "1 ", "0x1", "five"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(Duration, ReadsNumbersWithUnitsAndTheirSums) {
  struct Case {
    const char* text;
    milliseconds expected;
  };
  for (const Case& c : {Case{"500ms", 500ms}, Case{"1s", 1s}, Case{"2m", 2min}, Case{"1h", 1h}, Case{"0s", 0ms},
                        Case{"1.5s", 1500ms}, Case{"1m30s", 90s}, Case{"1h2m3s4ms", 3'723'004ms}, Case{".5s", 500ms}}) {
    EXPECT_EQ(parse_duration(c.text), c.expected) << c.text;
  }
}

TEST(Duration, RefusesWhatIsNotOneAndShowsHowToWriteIt) {
  for (const char* text : {"", "5", "s", "-1s", "1 s", "1w", "1s ", "1.2.3s", "1s5", ".s", "1e3s", "inf", "nans"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().category, base::Category::invalid);
    EXPECT_THAT(parsed.error().message, HasSubstr("for example 500ms, 1s or 2m"));
  }
}

TEST(Duration, RefusesMoreThanACentury) {
  EXPECT_TRUE(parse_duration("876000h"));
  EXPECT_FALSE(parse_duration("876001h"));
  EXPECT_FALSE(parse_duration("99999999999999999999999999999999h"));
}

TEST(Duration, IsWrittenInItsShortestExactForm) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(1s), "1s");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(24h), "24h");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_duration(49h), "49h");
  EXPECT_EQ(parse_duration(format_duration(std::chrono::days(365))), std::chrono::days(365));
  EXPECT_EQ(format_duration(3'723'004ms), "1h2m3s4ms");
}

TEST(Port, IsANumberFromZeroTo65535) {
  EXPECT_EQ(parse_port("0"), 0);
  EXPECT_EQ(parse_port("8080"), 8080);
  EXPECT_EQ(parse_port("65535"), 65535);
  for (const char* text : {"", "65536", "-1", "80a", " 80", "http", "8080.0", "+80", "99999999999999999999"}) {
    EXPECT_FALSE(parse_port(text)) << text;
  }
}

TEST(BindAddress, IsAnAddressAndNeverAName) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "::1", "::", "fe80::1"}) EXPECT_EQ(parse_bind_address(text), text);
  for (const char* text : {"localhost", "", "256.1.1.1", "127.1", "[::1]", "127.0.0.1:80", "example.com"}) {
    EXPECT_FALSE(parse_bind_address(text)) << text;
  }
}

TEST(Endpoint, NeedsSchemeAndHostAndNothingElse) {
  EXPECT_EQ(parse_endpoint("http://127.0.0.1:9000"), "http://127.0.0.1:9000");
  EXPECT_EQ(parse_endpoint("https://s3.example.com/"), "https://s3.example.com");
  for (const char* text : {"", "127.0.0.1:9000", "ftp://a", "http://", "http:///", "https://a/b", "https://a?b=c",
                           "https://user:secret@a", "https://a b"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, NeverRepeatsWhatMayHoldAPassword) {
  const auto parsed = parse_endpoint("https://user:hunter2@host");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, testing::Not(HasSubstr("hunter2")));
}

TEST(Directories, AreSplitAtCommasTrimmedAndNormal) {
  struct Case {
    const char* text;
    std::vector<std::filesystem::path> expected;
  };
  for (const Case& c :
       {Case{"a", {"a"}}, Case{"/srv/a,/srv/b", {"/srv/a", "/srv/b"}}, Case{" /a , b c ,\td\n", {"/a", "b c", "d"}},
        Case{"/a/,/a", {"/a"}}, Case{"/a/../b/./c", {"/b/c"}}, Case{"/", {"/"}}, Case{".", {"."}}, Case{"./", {"."}}}) {
    const auto parsed = parse_directories(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(*parsed, c.expected) << c.text;
  }
}

TEST(Directories, RefuseAnEmptyEntryAnywhere) {
  for (const char* text : {"", " ", ",", "a,", ",a", "a,,b", "a, ,b"}) {
    const auto parsed = parse_directories(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("empty entry"));
  }
}

TEST(Bool, IsTrueOrFalse) {
  EXPECT_EQ(parse_bool("true"), true);
  EXPECT_EQ(parse_bool("1"), true);
  EXPECT_EQ(parse_bool("false"), false);
  EXPECT_EQ(parse_bool("0"), false);
  for (const char* text : {"", "yes", "TRUE", "2"}) EXPECT_FALSE(parse_bool(text)) << text;
}

TEST(ParsePercent, TakesSharesAboveNothing) {
  EXPECT_EQ(parse_percent("2%").value(), 2.0);
  EXPECT_EQ(parse_percent("0.5").value(), 0.5);
  EXPECT_EQ(parse_percent("100%").value(), 100.0);
  for (const char* wrong : {"", "%", "0", "0%", "-1%", "101%", "2%%", "two", "nan", "inf%"}) {
    EXPECT_FALSE(parse_percent(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace cli
