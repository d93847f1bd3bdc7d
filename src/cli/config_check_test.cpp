#include "cli/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/settings.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(ConfigCheck, ValuesHaveTheNamesOfFlagsAndTheirPlaces) {
  const ConfigFile file = check_config(
      "# ours\n"
      "watch-dir = [\"/srv/a,b\", \"/srv/c\"]\n"
      "bucket = \"backups\"\n"
      "  port = 9000\n"
      "force-path-style = true\n"
      "sync-interval = \"1m30s\"\n",
      "lm.toml");
  EXPECT_THAT(file.mistakes, IsEmpty());
  EXPECT_THAT(
      file.values,
      ElementsAre(ConfigValue{"watch-dir", {"/srv/a,b", "/srv/c"}, {2, 1}}, ConfigValue{"bucket", {"backups"}, {3, 1}},
                  ConfigValue{"port", {"9000"}, {4, 3}}, ConfigValue{"force-path-style", {"true"}, {5, 1}},
                  ConfigValue{"sync-interval", {"1m30s"}, {6, 1}}));
}

TEST(ConfigCheck, OneTextOfDirectoriesIsTakenApartAsOnTheCommandLine) {
  EXPECT_THAT(check_config("watch-dir = \"/a, /b\"\n", "f").values,
              ElementsAre(ConfigValue{"watch-dir", {"/a", "/b"}, {1, 1}}));
}

TEST(ConfigCheck, TakesDecimalsAndWholeNumbersWhereDecimalsMayStand) {
  const ConfigFile file = check_config("price-put = 0.0054\nprice-storage = 1\nprice-get = 1e-4\n", "lm.toml");
  EXPECT_THAT(file.mistakes, IsEmpty());
  EXPECT_THAT(file.values,
              ElementsAre(ConfigValue{"price-put", {"0.0054"}, {1, 1}}, ConfigValue{"price-storage", {"1"}, {2, 1}},
                          ConfigValue{"price-get", {"0.0001"}, {3, 1}}));
}

TEST(ConfigCheck, BlocksOfClientsKeepTheirOrder) {
  const ConfigFile file = check_config(
      "port = 1\n"
      "[[client]]\nmatch = \"acme/*\"\nsync-interval = \"5s\"\n"
      "[[client]]\npaused = true\nmatch = \"0a1b*\"\n",
      "lm.toml");
  EXPECT_THAT(file.mistakes, IsEmpty());
  ASSERT_EQ(file.clients.size(), 2U);
  EXPECT_EQ(file.clients[0].match, "acme/*");
  EXPECT_EQ(file.clients[0].origin, "lm.toml:2:1");
  EXPECT_THAT(file.clients[0].values, ElementsAre(ConfigValue{"sync-interval", {"5s"}, {4, 1}}));
  EXPECT_THAT(file.clients[1].values, ElementsAre(ConfigValue{"paused", {"true"}, {6, 1}}));
}

struct Case {
  const char* text;
  const char* place;
  const char* said;
};

class ConfigMistake : public testing::TestWithParam<Case> {};

TEST_P(ConfigMistake, IsNamedWithItsPlaceAndHowToMendIt) {
  const auto [text, place, said] = GetParam();
  const ConfigFile file = check_config(text, "lm.toml");
  EXPECT_THAT(file.mistakes, ElementsAre(AllOf(StartsWith("lm.toml:" + std::string(place) + ": "), HasSubstr(said))));
  EXPECT_THAT(file.values, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, ConfigMistake,
    testing::Values(
        Case{"sync-intervall = \"1s\"\n", "1:1", "no setting \"sync-intervall\"; did you mean sync-interval?"},
        Case{"\n snapshots = 3\n", "2:2", "no setting \"snapshots\"; litestream-manager explain -sample"},
        Case{"[s3]\nregion = \"x\"\n", "2:1", "no setting \"s3.region\""},
        Case{"config = \"other.toml\"\n", "1:1", "cannot name another one"},
        Case{"port = \"8080\"\n", "1:1", "port takes a number; write port = 8080"},
        Case{"port = 70000\n", "1:1", "port: \"70000\" is not a port"},
        Case{"port = -1\n", "1:1", "port: \"-1\" is not a port"}, Case{"port = 1.5\n", "1:1", "port takes a number"},
        Case{"price-put = \"0.005\"\n", "1:1", "price-put takes a decimal number; write price-put = 0.005"},
        Case{"price-put = -0.5\n", "1:1", "price-put: \"-0.5\" is not a number; write one like 0.005"},
        Case{"price-put = inf\n", "1:1", "price-put: \"inf\" is not a number"},
        Case{"price-storage = 1000.5\n", "1:1", "\"1000.5\" is out of range; give 0 to 1000"},
        Case{"force-path-style = \"yes\"\n", "1:1", "takes a true or false; write force-path-style = true"},
        Case{"sync-interval = 5\n", "1:1", "sync-interval takes a duration; write sync-interval = \"1s\""},
        Case{"sync-interval = \"0s\"\n", "1:1", "out of range; give 1ms to 24h"},
        Case{"sync-interval = \"5\"\n", "1:1", "is not a duration"},
        Case{"sync-interval = 5s\n", "1:18", "durations and words stand in quotation marks"},
        Case{"log-level = \"loud\"\n", "1:1", "not one of debug|info|warn|error"},
        Case{"log-level = [\"info\"]\n", "1:1", "log-level takes a text"},
        Case{"watch-dir = []\n", "1:1", "empty list"},
        Case{"watch-dir = [\"/a\", 7]\n", "1:1", "write watch-dir = [\"/srv/a\", \"/srv/b\"]"},
        Case{"watch-dir = [\"\"]\n", "1:1", "is empty"},
        Case{"bucket = \"\"\n", "1:1", "bucket is empty; leave it out"},
        Case{"bucket = \"s3:/x\"\n", "1:1", "bucket: "}, Case{"paused = true\n", "1:1", "belongs below [[client]]"},
        Case{"match = \"x\"\n", "1:1", "belongs below [[client]]"},
        Case{"[client]\nmatch = \"x\"\n", "2:1", "with two brackets"},
        Case{"[[client]]\nsync-interval = \"1s\"\n", "1:1", "matches nobody; add match"},
        Case{"[[client]]\nmatch = \"x\"\n", "1:1", "sets nothing"},
        Case{"[[client]]\nmatch = 7\npaused = true\n", "2:1", "match takes a text"},
        Case{"[[client]]\nmatch = \"[a]\"\npaused = true\n", "2:1", "knows only * and ?"},
        Case{"[[client]]\nmatch = \"a\"\nport = 7\npaused = true\n", "3:1", "cannot be set for some clients only"},
        Case{"[[client]]\nmatch = \"a\"\npause = true\npaused = true\n", "3:1", "did you mean paused?"},
        Case{"[[client]\nmatch = \"a\"\n", "1:10", "not TOML"}, Case{"port 8080\n", "1:6", "not TOML"},
        Case{"# \xc3\xbc\n# \xc3\xbc\xff\n", "2:4", "not UTF-8"}, Case{"\xf5\x93\x90\x98 = 1\n", "1:1", "not UTF-8"},
        Case{"\xed\xa0\x80 = 1\n", "1:1", "not UTF-8"}, Case{"\xc0\x80 = 1\n", "1:1", "not UTF-8"},
        Case{"\xf4\x90\x80\x80 = 1\n", "1:1", "not UTF-8"}, Case{"# \xc3", "1:3", "not UTF-8"},
        Case{"\xc3\xa9 = 1\n", "1:1", "not TOML"}, Case{"port = 1\xc8\xa8\n", "1:9", "no value"},
        Case{"port =", "1:7", "no value"}));

TEST(ConfigCheck, AllMistakesAreFoundAtOnceInTheOrderOfTheFile) {
  const ConfigFile file = check_config(
      "prot = 1\n"
      "sync-interval = 5s\n"
      "log-level = \"loud\"\n"
      "bucket = \"aaa\"\n"
      "bucket = \"bbb\"\n"
      "[[client]]\nmatch = \"x\"\nport = 7\n"
      "[[client]]\nmatch = \"x\"\npaused = true\n",
      "f");
  EXPECT_THAT(file.mistakes,
              ElementsAre(StartsWith("f:1:1: "), StartsWith("f:2:"), StartsWith("f:3:1: "),
                          AllOf(StartsWith("f:5:"), HasSubstr("a second time")), StartsWith("f:8:1: "),
                          AllOf(StartsWith("f:10:1: "), HasSubstr("the [[client]] at f:6:1 has the same match"))));
}

TEST(ConfigCheck, AnAccessKeyIsSentWhereItBelongsAndNeverRepeated) {
  const char* const texts[] = {
      "access-key-id = \"AKIAHUNTER2\"\n",
      "aws_secret_access_key = \"HUNTER2\"\n",
      "[s3]\nsession-token = \"HUNTER2\"\n",
      "[[client]]\nmatch = \"a\"\npaused = true\npassword = \"HUNTER2\"\n",
      "secret-access-key = HUNTER2\n",
      "secret-access-key = \"HUNTER2\n",
      "secret-access-key = 123456789012345678901234HUNTER2\n",
      "bucket = \"https://user:HUNTER2@example.com\"\n",
      "endpoint = \"https://user:HUNTER2@example.com\"\n",
      "port = \"HUNTER2\"\n",
      "force-path-style = \"HUNTER2\"\n",
  };
  for (const char* text : texts) {
    const ConfigFile file = check_config(text, "f");
    ASSERT_FALSE(file.mistakes.empty()) << text;
    EXPECT_THAT(file.mistakes, Not(Contains(HasSubstr("HUNTER2")))) << text;
  }
  EXPECT_THAT(check_config(texts[0], "f").mistakes,
              ElementsAre(AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("~/.aws/credentials"))));
}

TEST(ConfigCheck, TextThatIsNoTomlAtAllIsAMistakeAndNothingElse) {
  for (const std::string& text :
       {std::string("\0\0", 2), std::string("\xff\xfe"), std::string("= = ="), std::string("[["),
        std::string("a = [\n1,\n"), std::string("a = 1979-05-27T(7:32:00Z\n"), std::string("a = \"\"\"\n")}) {
    EXPECT_FALSE(check_config(text, "f").mistakes.empty()) << text;
  }
  EXPECT_THAT(check_config("", "f").mistakes, IsEmpty());
}

}  // namespace
}  // namespace cli
