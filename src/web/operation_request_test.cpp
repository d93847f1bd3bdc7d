#include "web/operation_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace web {
namespace {

using ::testing::HasSubstr;

TEST(RestoreRequestBody, AWrongOneSaysWhatAndWhere) {
  struct Case {
    std::string body;
    std::string_view text;
  };
  for (const Case& c : {
           Case{"", "not JSON"},
           Case{"{", "not JSON"},
           Case{"{} {}", "not JSON"},
           Case{"\xff\xfe", "not JSON"},
           Case{std::string(60'000, '['), "not JSON"},
           Case{"[]", "not a JSON object"},
           Case{"null", "not a JSON object"},
           Case{R"("x")", "not a JSON object"},
           Case{"{}", "\"clientId\" is missing"},
           Case{R"({"clientId": 7, "to": "/x"})", "\"clientId\" must be a text, not number"},
           Case{R"({"clientId": "", "to": "/x"})", "\"clientId\" is empty"},
           Case{R"({"clientId": "a"})", "exactly one of"},
           Case{R"({"clientId": "a", "download": false})", "exactly one of"},
           Case{R"({"clientId": "a", "to": "/x", "download": true})", "exactly one of"},
           Case{R"({"clientId": "a", "to": "x.db"})", "relative path \"x.db\""},
           Case{R"({"clientId": "a", "to": ["/x"]})", "\"to\" must be a text, not array"},
           Case{R"({"clientId": "a", "to": "/x\u0000y"})", "NUL"},
           Case{R"({"clientId": "a", "to": "/)" + std::string(5000, 'x') + "\"}", "longer than 4096"},
           Case{R"({"clientId": "a", "download": "yes"})", "\"download\" must be true or false, not string"},
           Case{R"({"clientId": "a", "download": true, "force": true})",
                "unknown key \"force\"; known are clientId, to"},
           Case{R"({"clientId": "a", "download": true, "at": 5})", "\"at\" must be a text"},
           Case{R"({"clientId": "a", "download": true, "at": "-2h", "txid": 3})", "\"at\" and \"txid\" both"},
           Case{R"({"clientId": "a", "download": true, "txid": 0})", "\"txid\" must be"},
           Case{R"({"clientId": "a", "download": true, "txid": -3})", "\"txid\" must be"},
           Case{R"({"clientId": "a", "download": true, "txid": 1.5})", "\"txid\" must be"},
           Case{R"({"clientId": "a", "download": true, "txid": "2a"})", "\"txid\" must be"},
           Case{R"({"clientId": "a", "download": true, "txid": "000000000000002g"})", "\"txid\" must be"},
           Case{R"({"clientId": "a", "download": true, "txid": null})", "\"txid\" must be"},
       }) {
    const auto request = parse_restore_request(c.body);
    ASSERT_FALSE(request.has_value()) << c.body.substr(0, 80);
    EXPECT_EQ(request.error().category, base::Category::invalid);
    EXPECT_THAT(request.error().message, HasSubstr(c.text)) << c.body.substr(0, 80);
  }
}

TEST(RestoreRequestBody, ARightOneIsTaken) {
  const auto to = parse_restore_request(R"({"clientId": "a", "to": "/srv/x y.db", "at": "yesterday 14:30"})");
  ASSERT_TRUE(to.has_value()) << to.error().message;
  EXPECT_EQ(to->client_id, "a");
  EXPECT_EQ(to->to, "/srv/x y.db");
  EXPECT_EQ(to->at, "yesterday 14:30");
  EXPECT_FALSE(to->download);
  EXPECT_FALSE(to->txid);
  EXPECT_EQ(parse_restore_request(R"({"clientId": "a", "download": true, "txid": 42})")->txid, 42U);
  EXPECT_EQ(parse_restore_request(R"({"clientId": "a", "download": true, "txid": "000000000000002a"})")->txid, 42U);
  EXPECT_TRUE(parse_restore_request(R"({"clientId": "a", "download": true})")->download);
}

TEST(VerificationRequestBody, KnowsTheClientAndNothingElse) {
  EXPECT_EQ(parse_verification_request(R"({"clientId": "a"})").value(), "a");
  EXPECT_THAT(parse_verification_request(R"({"clientId": "a", "to": "/x"})").error().message,
              HasSubstr("unknown key \"to\"; known are clientId"));
  EXPECT_FALSE(parse_verification_request("{}").has_value());
}

}  // namespace
}  // namespace web
