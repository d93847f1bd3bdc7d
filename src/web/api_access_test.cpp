#include "web/api_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace web {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ApiAccess, TheTokenIsWhatFollowsBearer) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer  abc "), "abc");
  for (const std::string_view other : {"", "Bearer", "Basic abc", "abc", "Bearerabc"})
    EXPECT_EQ(bearer_token(other), "");
}

TEST(ApiAccess, OnlyTheWholeTokenIsEqual) {
  EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
  for (const std::string_view other : {"", "secre", "secret2", "Secret", "secreT"}) {
    EXPECT_FALSE(equal_in_constant_time(other, "secret")) << other;
  }
}

TEST(ApiAccess, MediaTypesAreComparedWithoutTheirParameters) {
  for (const std::string_view json : {"application/json", "Application/JSON; charset=utf-8", " application/json ;x"}) {
    EXPECT_TRUE(has_media_type(json, "application/json")) << json;
  }
  for (const std::string_view other : {"", "text/plain", "application/jsonx", "text/plain; application/json"}) {
    EXPECT_FALSE(has_media_type(other, "application/json")) << other;
  }
}

TEST(ApiAccess, AForeignOriginIsRefusedAlsoWithTheToken) {
  const ApiAccess access(base::Secret("secret"), "/state/api-token");
  struct Case {
    std::string_view origin, host, forwarded;
    bool own;
  };
  for (const Case& c :
       {Case{"", "localhost:8080", "", true}, Case{"http://localhost:8080", "localhost:8080", "", true},
        Case{"http://LOCALHOST:8080", "localhost:8080", "", true},
        Case{"https://dash.example", "localhost:8080", "dash.example", true},
        Case{"http://evil.example", "localhost:8080", "", false},
        Case{"http://localhost:8081", "localhost:8080", "", false}, Case{"null", "localhost:8080", "", false},
        Case{"http://", "", "", false}, Case{"http://localhost:8080.evil.example", "localhost:8080", "", false}}) {
    const Request request{.path = "/api/restores",
                          .query = "",
                          .if_none_match = "",
                          .origin = c.origin,
                          .host = c.host,
                          .forwarded_host = c.forwarded};
    const auto refusal = access.refuse(request, "secret");
    EXPECT_EQ(!refusal, c.own) << c.origin;
    EXPECT_EQ(refusal ? refusal->status : 403, 403) << c.origin;
  }
}

TEST(ApiAccess, WhoLacksTheTokenLearnsWhereItIsAndNotWhatItIs) {
  const ApiAccess access(base::Secret("s3cr3t"), "/state/api-token");
  for (const std::string_view offered : {"", "wrong", "s3cr3T"}) {
    const auto refusal = access.refuse({}, offered);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->status, 401);
    EXPECT_THAT(*refusal->body, HasSubstr("/state/api-token"));
    EXPECT_THAT(*refusal->body, Not(HasSubstr("s3cr3t")));
  }
  EXPECT_FALSE(access.refuse({}, "s3cr3t"));
  EXPECT_TRUE(ApiAccess(base::Secret(""), "").refuse({}, "")) << "no token lets nobody in";
}

}  // namespace
}  // namespace web
