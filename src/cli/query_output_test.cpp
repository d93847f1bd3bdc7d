#include "cli/query_output.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace cli {
namespace {

using sqlite::Value;

constexpr std::array<std::uint8_t, 3> kBlob{0x00, 0xAB, 0x1F};

class QueryOutputTest : public ::testing::Test {
 protected:
  std::unique_ptr<sqlite::RowSink> output(QueryFormat format) {
    return make_query_output(format, [this](std::string_view text) -> base::Result<> {
      text_ += text;
      ++writes_;
      return {};
    });
  }
  void write(sqlite::RowSink& sink, const std::vector<std::string>& columns,
             const std::vector<std::vector<Value>>& rows) {
    ASSERT_TRUE(sink.begin(columns));
    for (const auto& row : rows) ASSERT_TRUE(sink.row(row));
    ASSERT_TRUE(sink.end());
  }
  std::string text_;
  unsigned writes_ = 0;
};

TEST_F(QueryOutputTest, ATableIsAlignedNumbersToTheRight) {
  const auto sink = output(QueryFormat::table);
  write(*sink, {"id", "name", "x", "y"},
        {{std::int64_t{1}, "äö", 1.0, base::ByteView(kBlob)},
         {std::int64_t{1000}, std::monostate{}, 2.25, "last"},
         {std::monostate{}, "", -1e300, "z"}});
  EXPECT_EQ(text_,
            "  id  name        x  y\n"
            "----  ----  -------  ---------\n"
            "   1  äö        1.0  X'00AB1F'\n"
            "1000  NULL     2.25  last\n"
            "NULL        -1e+300  z\n");
}

TEST_F(QueryOutputTest, ATableHasNoControlCharacters) {
  const auto sink = output(QueryFormat::table);
  write(*sink, {"a\x1b[2J"}, {{"x\ny\tz\x1b[31m\x07\xc2\x9b"}});
  EXPECT_EQ(text_, "a\\x1b[2J\n" + std::string(23, '-') + "\nx\\ny\\tz\\x1b[31m\\x07\\x9b\n");
}

TEST_F(QueryOutputTest, ALongTableIsWrittenAsItComesInTheWidthsOfItsBeginning) {
  const auto sink = output(QueryFormat::table);
  ASSERT_TRUE(sink->begin({"n", "t"}));
  const std::string longer(300, 'x');
  for (std::int64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(sink->row(std::vector<Value>{i, std::string_view(i == 7 ? longer : "t")}));
  }
  EXPECT_EQ(writes_, 801U) << "the first 200 at once, the others one by one";
  ASSERT_TRUE(sink->end());
  EXPECT_NE(text_.find("\n999  t\n"), std::string::npos);
  EXPECT_NE(text_.find("\n---  " + std::string(80, '-') + "\n"), std::string::npos);
}

TEST_F(QueryOutputTest, CsvQuotesWhatNeedsItAndTellsNullFromEmpty) {
  const auto sink = output(QueryFormat::csv);
  write(*sink, {"a", "b,c"},
        {{std::monostate{}, ""}, {"say \"hi\"", "two\nlines"}, {std::int64_t{-5}, " x"}, {0.5, base::ByteView(kBlob)}});
  write(*sink, {"n"}, {});
  EXPECT_EQ(text_, "a,\"b,c\"\n,\"\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n-5,\" x\"\n0.5,X'00AB1F'\n\nn\n");
}

TEST_F(QueryOutputTest, JsonIsOneArrayPerResultWithUniqueKeys) {
  const auto sink = output(QueryFormat::json);
  write(*sink, {"id", "id", "id:2", "t"},
        {{std::int64_t{9007199254740993}, std::monostate{}, 2.0, "\"\xff\n"},
         {base::ByteView(kBlob), HUGE_VAL, -HUGE_VAL, ""}});
  write(*sink, {"n"}, {});
  EXPECT_EQ(text_,
            "[{\"id\":9007199254740993,\"id:2\":null,\"id:2:2\":2.0,\"t\":\"\\\"\xef\xbf\xbd\\n\"},\n"
            "{\"id\":\"00ab1f\",\"id:2\":9.0e+999,\"id:2:2\":-9.0e+999,\"t\":\"\"}]\n[]\n");
}

}  // namespace
}  // namespace cli
