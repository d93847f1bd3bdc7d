#include "web/server/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/server/host_check.h"
#include "web/server/query.h"
#include "web/server/response_head.h"
#include "web/server/router.h"

namespace web {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(EtagMatch, FollowsTheHeadersRules) {
  struct Case {
    std::string_view header;
    bool matches;
  };
  for (const Case& c : {Case{R"("a")", true}, Case{R"(W/"a")", true}, Case{R"("b", "a")", true}, Case{" * ", true},
                        Case{R"("b",W/"a" )", true}, Case{"", false}, Case{"a", false}, Case{R"("ab")", false},
                        Case{R"("b")", false}, Case{",,", false}}) {
    EXPECT_EQ(etag_matches(c.header, R"("a")"), c.matches) << c.header;
  }
}

TEST(HostCheck, OnlyLoopbacksNamesPass) {
  struct Case {
    std::string_view host;
    bool allowed;
  };
  for (const Case& c :
       {Case{"localhost", true}, Case{"LOCALHOST:8080", true}, Case{"127.0.0.1", true}, Case{"127.0.0.1:1", true},
        Case{"[::1]", true}, Case{"[::1]:8080", true}, Case{"", false}, Case{"evil.example", false},
        Case{"localhost.evil.example", false}, Case{"localhost:", false}, Case{"localhost:80x", false},
        Case{"127.0.0.1.evil.example", false}, Case{"127.0.0.2", false}, Case{"evil.example:8080", false},
        Case{"x@localhost", false}, Case{"localhost:80@evil", false}}) {
    EXPECT_EQ(names_loopback(c.host), c.allowed) << c.host;
  }
}

TEST(Query, DecodesNamesAndValuesInOrder) {
  EXPECT_THAT(parse_query("a=1&b=x%20y+z&c&&d=%3D=").value(),
              ::testing::ElementsAre(Pair("a", "1"), Pair("b", "x y z"), Pair("c", ""), Pair("d", "==")));
  EXPECT_TRUE(parse_query("").value().empty());
  for (const std::string_view broken : {"a=%", "a=%1", "a=%g0", "a=%-1", "%=1"}) {
    EXPECT_FALSE(parse_query(broken).has_value()) << broken;
  }
}

TEST(ResponseHead, EveryAnswerCarriesTheSecurityHeaders) {
  const std::time_t time = 784'111'777;  // the date of RFC 9110's example
  for (const std::string& head : {render_head(make_response(200, kJson, "{}"), KeepAlive::yes, time),
                                  render_head(not_found("/x"), KeepAlive::no, time), render_stream_head(time)}) {
    EXPECT_THAT(head, HasSubstr("Content-Security-Policy: default-src 'self'"));
    EXPECT_THAT(head, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(head, HasSubstr("Referrer-Policy: same-origin\r\n"));
    EXPECT_THAT(head, HasSubstr("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("unsafe-inline")));
  }
}

TEST(ResponseHead, NotModifiedHasNoLengthOthersHave) {
  const Request known{.path = "/", .query = "", .if_none_match = "\"t\""};
  const auto body = std::make_shared<const std::string>("12345");
  EXPECT_THAT(render_head(make_cacheable(known, "\"t\"", kJson, body), KeepAlive::yes, 0),
              ::testing::AllOf(HasSubstr("HTTP/1.1 304 Not Modified\r\n"), HasSubstr("ETag: \"t\"\r\n"),
                               Not(HasSubstr("Content-Length"))));
  EXPECT_THAT(render_head(make_cacheable(known, "\"u\"", kJson, body), KeepAlive::no, 0),
              ::testing::AllOf(HasSubstr("Content-Length: 5\r\n"), HasSubstr("Connection: close\r\n")));
}

class NamedEndpoint final : public Endpoint {
 public:
  explicit NamedEndpoint(std::string name) : name_(std::move(name)) {}
  Response handle(const Request& /*request*/) override { return make_response(200, kPlainText, name_); }

 private:
  std::string name_;
};

TEST(Router, ExactPathsAndFoldersButNotTheRootForEverything) {
  Router router;
  for (const std::string path : {"/", "/api/status", "/api/clients/", "/api/jobs/*/file"}) {
    router.add(path, std::make_unique<NamedEndpoint>(path));
  }
  struct Case {
    std::string_view path, endpoint;
  };
  for (const Case& c : {Case{"/", "/"}, Case{"/api/status", "/api/status"}, Case{"/api/clients/x", "/api/clients/"},
                        Case{"/api/clients/", "/api/clients/"}, Case{"/api/clients", ""}, Case{"/api/clients/x/y", ""},
                        Case{"/api/jobs/1/file", "/api/jobs/*/file"}, Case{"/api/jobs//file", ""},
                        Case{"/api/jobs/1/2/file", ""}, Case{"/api/jobs/1/files", ""}, Case{"/file", ""},
                        Case{"/x", ""}, Case{"", ""}, Case{"/api/status/", ""}, Case{"//", ""}}) {
    Endpoint* found = router.find(c.path);
    EXPECT_EQ(found == nullptr ? "" : *found->handle({}).body, c.endpoint) << c.path;
  }
}

TEST(Router, AMethodIsAllowedByItsWholeName) {
  EXPECT_TRUE(allows("GET, HEAD", "GET"));
  EXPECT_TRUE(allows("GET, HEAD, DELETE", "DELETE"));
  for (const std::string_view other : {"", "GE", "EAD", "get", "GET, HEAD", ", ", "POST"}) {
    EXPECT_FALSE(allows("GET, HEAD", other)) << other;
  }
}

TEST(Router, NotFoundIsJsonBelowApi) {
  EXPECT_EQ(not_found("/api/x").content_type, kJson);
  EXPECT_EQ(not_found("/x").content_type, kPlainText);
}

}  // namespace
}  // namespace web
