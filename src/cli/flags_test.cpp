#include "cli/flags.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Two settings that write down what they are given.
class Flags : public testing::Test {
 protected:
  base::Result<ParsedArguments> parse(const std::vector<std::string>& arguments) {
    return parse_flags(settings_, arguments);
  }
  std::string message(const std::vector<std::string>& arguments) {
    const auto parsed = parse(arguments);
    if (parsed) return "accepted";
    EXPECT_EQ(parsed.error().category, base::Category::invalid);
    return parsed.error().message;
  }

  std::vector<std::string> assigned_;
  std::vector<Setting> settings_{
      {"bucket", "BUCKET", "", "Where backups live.", Arity::value, taking("bucket")},
      {"force", "", "", "Overwrite.", Arity::toggle, taking("force")},
      {"port", "PORT", "8080", "Where to listen.", Arity::value,
       [](std::string_view) -> base::Result<> { return base::fail(base::Category::invalid, "not a port"); }}};

 private:
  std::function<base::Result<>(std::string_view)> taking(std::string name) {
    return [this, name = std::move(name)](std::string_view text) -> base::Result<> {
      assigned_.push_back(name + "=" + std::string(text));
      return {};
    };
  }
};

TEST_F(Flags, TakeOneOrTwoDashesAndValuesAfterEqualsOrBlank) {
  ASSERT_TRUE(parse({"-bucket", "a", "--bucket", "b", "-bucket=c", "--bucket=d", "-bucket=e=f"}));
  EXPECT_THAT(assigned_, ElementsAre("bucket=a", "bucket=b", "bucket=c", "bucket=d", "bucket=e=f"));
}

TEST_F(Flags, SwitchTakesAValueOnlyAfterEquals) {
  const auto parsed = parse({"-force", "operand", "-force=false"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(assigned_, ElementsAre("force=true", "force=false"));
  EXPECT_THAT(parsed->operands, ElementsAre("operand"));
}

TEST_F(Flags, OperandsStandAnywhereAndTakeEverythingAfterTwoDashes) {
  const auto parsed = parse({"a", "-force", "b", "-", "--", "-force", "--"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->operands, ElementsAre("a", "b", "-", "-force", "--"));
  EXPECT_THAT(assigned_, ElementsAre("force=true"));
}

TEST_F(Flags, ValueMayBeginWithADashUnlessItIsAFlagOfOurs) {
  ASSERT_TRUE(parse({"-bucket", "-x"}));
  EXPECT_THAT(assigned_, ElementsAre("bucket=-x"));
  EXPECT_EQ(message({"-bucket", "-force"}), "-bucket needs a value: -bucket BUCKET");
  EXPECT_EQ(message({"-bucket", "--port=1"}), "-bucket needs a value: -bucket BUCKET");
}

TEST_F(Flags, MissingOrEmptyValueIsNamed) {
  EXPECT_EQ(message({"-bucket"}), "-bucket needs a value: -bucket BUCKET");
  EXPECT_EQ(message({"-bucket="}), "-bucket needs a value: -bucket BUCKET");
  EXPECT_EQ(message({"-bucket", ""}), "-bucket needs a value: -bucket BUCKET");
}

TEST_F(Flags, RefusedValueIsReportedWithItsFlag) {
  EXPECT_EQ(message({"-port", "x"}), "-port: not a port");
}

TEST_F(Flags, UnknownFlagSuggestsTheNearestOne) {
  EXPECT_EQ(message({"-buckt", "a"}), "there is no flag -buckt; did you mean -bucket?");
  EXPECT_EQ(message({"--prot=1"}), "there is no flag -prot; did you mean -port?");
  EXPECT_EQ(message({"-something-else"}), "there is no flag -something-else");
}

TEST_F(Flags, HelpEndsParsing) {
  for (const char* flag : {"-help", "--help", "-h"}) {
    const auto parsed = parse({flag, "-no-such-flag"});
    ASSERT_TRUE(parsed) << flag;
    EXPECT_TRUE(parsed->help_wanted) << flag;
  }
}

TEST_F(Flags, DescriptionShowsNamePlaceholderDefaultAndHelp) {
  const std::string text = describe(settings_);
  EXPECT_THAT(text, HasSubstr("  -port PORT  (default 8080)\n        Where to listen.\n"));
  EXPECT_THAT(text, HasSubstr("  -force\n        Overwrite.\n"));
}

TEST(FlagDescription, WrapsAtEightyColumnsWithoutLosingAWord) {
  std::string help;
  for (int i = 0; i < 60; ++i) help += (i == 0 ? "" : " ") + std::string("word") + std::to_string(i);
  const std::vector<Setting> settings{{"x", "", "", help, Arity::toggle, nullptr}};
  std::string text = describe(settings);
  std::string joined;
  std::size_t start = text.find('\n') + 1;
  while (start < text.size()) {
    const std::size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    EXPECT_LE(line.size(), 80U) << line;
    joined += (joined.empty() ? "" : " ") + line.substr(line.find_first_not_of(' '));
    start = end + 1;
  }
  EXPECT_EQ(joined, help);
}

TEST(Nearest, FindsSlipsAndLeavesStrangersAlone) {
  constexpr std::array<std::string_view, 3> kNames{"watch-dir", "bucket", "o"};
  EXPECT_EQ(nearest("watchdir", kNames), "watch-dir");
  EXPECT_EQ(nearest("watch_dir", kNames), "watch-dir");
  EXPECT_EQ(nearest("buket", kNames), "bucket");
  EXPECT_THAT(nearest("zzzzz", kNames), IsEmpty());
  EXPECT_THAT(nearest("x", kNames), IsEmpty());
}

}  // namespace
}  // namespace cli
