// How the store bears with servers that misbehave; what it does with good ones is in tests/conformance.
#include "storage/s3/s3_store.h"

#include <gtest/gtest.h>

#include "storage/open_store.h"
#include "storage/probe.h"
#include "support/scripted_http.h"

namespace storage::s3 {
namespace {

using base::Category;
using test_support::ScriptedAnswer;
using test_support::ScriptedHttpServer;
using Then = ScriptedAnswer::Then;
using namespace std::chrono_literals;

ScriptedAnswer stored() {
  return {.status = 200, .headers = {{"ETag", "\"e\""}}, .body = {}};
}
ScriptedAnswer refused(int status, const std::string& code,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = "<Error><Code>" + code + "</Code></Error>"};
}

// The store as the daemon opens it, with short waits.
std::unique_ptr<ObjectStore> open(const ScriptedHttpServer& server,
                                  RetryPolicy retry = {.base_delay = 1ms, .delay_max = 2ms, .give_up_after = 5s}) {
  StoreConfig config;
  config.bucket.bucket = "bkt";
  config.bucket.prefix = "pre";
  config.endpoint = server.url();
  config.region = "us-east-1";
  config.credentials = std::make_shared<FixedCredentials>(Credentials{"KEYID", base::Secret("verysecret"), {}});
  config.retry = retry;
  auto store = make_store(std::move(config));
  EXPECT_TRUE(store);
  return *std::move(store);
}

PutRequest put_of(std::string key) {
  return {.key = base::ObjectKey{std::move(key)},
          .body = std::make_shared<MemoryBody>(base::Bytes{'b', 'o', 'd', 'y'}),
          .litestream_timestamp = 1'763'843'897'498ms};
}
GetRequest get_of(std::string key) {
  return {.key = base::ObjectKey{std::move(key)}, .offset = 0, .length = {}};
}

TEST(S3Store, SendsAPutExactlyAsLitestreamDoes) {
  const ScriptedHttpServer server({stored()});
  ASSERT_TRUE(put_and_wait(*open(server), put_of("a b")));
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/bkt/pre/a%20b");
  EXPECT_EQ(seen.body, "body");
  const std::pair<const char*, const char*> expected[] = {
      {"content-type", "application/octet-stream"},
      {"content-length", "4"},
      {"if-none-match", "*"},
      {"x-amz-meta-litestream-timestamp", "2025-11-22T20:38:17.498Z"},
      {"x-amz-content-sha256", "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(seen.headers.at(name), value);
  for (const char* name : {"expect", "transfer-encoding", "content-encoding"})
    EXPECT_FALSE(seen.headers.contains(name));
}

TEST(S3Store, RepeatsA503AndThenSucceeds) {
  const ScriptedHttpServer server({refused(503, "SlowDown"), refused(500, "InternalError"), stored()});
  const auto store = open(server);
  const auto result = put_and_wait(*store, put_of("k"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->etag, "\"e\"");
  EXPECT_EQ(store->counts().retried, 2U);
  EXPECT_EQ(store->counts().put, 3U);
  EXPECT_EQ(store->counts().failed, 2U);
  for (const auto& seen : server.requests()) EXPECT_EQ(seen.body, "body") << "each attempt sends the body whole";
}

TEST(S3Store, HonoursRetryAfter) {
  const ScriptedHttpServer server({refused(503, "SlowDown", {{"Retry-After", "1"}}), stored()});
  const auto store = open(server);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(put_and_wait(*store, put_of("k")));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST(S3Store, GoesOnBehindWhatABrokenConnectionHadBrought) {
  std::string whole(100'000, 'z');
  for (std::size_t i = 0; i < whole.size(); i += 7) whole[i] = static_cast<char>('a' + i % 23);
  const ScriptedHttpServer server(
      {{.status = 200, .headers = {}, .body = whole, .then = Then::cut_in_half},
       {.status = 200, .headers = {}, .body = {}, .then = Then::drop},
       {.status = 206, .headers = {}, .body = whole.substr(50'000), .then = Then::cut_in_half},
       {.status = 206, .headers = {}, .body = whole.substr(75'000)}});
  const auto bytes = get_and_wait(*open(server), get_of("k"));
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(base::as_text(*bytes), whole);
  EXPECT_EQ(server.requests().at(2).headers.at("range"), "bytes=50000-");
  EXPECT_EQ(server.requests().at(3).headers.at("range"), "bytes=75000-");
}

TEST(S3Store, CountsAPutWithoutETagAsFailed) {
  const ScriptedHttpServer server({{.status = 200, .headers = {}, .body = {}}, stored()});
  const auto store = open(server);
  EXPECT_TRUE(put_and_wait(*store, put_of("k")));
  EXPECT_EQ(store->counts().retried, 1U);
}

TEST(S3Store, DoesNotRepeatWhatNeedsAPerson) {
  const ScriptedAnswer wrong_region{
      .status = 400,
      .headers = {},
      .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"};
  const ScriptedHttpServer server({refused(403, "InvalidAccessKeyId"), wrong_region, refused(501, "NotImplemented")});
  const auto store = open(server);
  EXPECT_EQ(put_and_wait(*store, put_of("k")).error().category, Category::denied);
  const auto region = put_and_wait(*store, put_of("k"));
  EXPECT_EQ(region.error().category, Category::invalid);
  EXPECT_NE(region.error().message.find("AWS_REGION=eu-west-1"), std::string::npos) << region.error().message;
  EXPECT_EQ(put_and_wait(*store, put_of("k")).error().category, Category::unsupported);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(S3Store, NeverPutsASecretIntoAnError) {
  const ScriptedHttpServer server({refused(403, "SignatureDoesNotMatch")});
  const auto result = put_and_wait(*open(server), put_of("k"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.find("verysecret"), std::string::npos);
  EXPECT_EQ(server.requests().at(0).headers.at("authorization").find("verysecret"), std::string::npos);
}

TEST(S3Store, EndsAtTheDeadlineOfASlowServer) {
  const ScriptedHttpServer server({{.status = 200, .headers = {}, .body = {}, .then = Then::hang}});
  const base::SteadyTime soon = std::chrono::steady_clock::now() + 50ms;
  EXPECT_EQ(get_and_wait(*open(server), get_of("k"), {.deadline = soon, .stop = {}}).error().category,
            Category::cancelled);
}

TEST(S3Store, DestructionDoesNotWaitForASlowServer) {
  const ScriptedHttpServer server({{.status = 200, .headers = {}, .body = {}, .then = Then::hang}});
  auto store = open(server);
  std::optional<Category> category;
  store->get(get_of("k"), {}, [&](const auto& result) { category = result.error().category; });
  server.wait_for_requests(1);
  store.reset();
  EXPECT_EQ(category, Category::cancelled);
}

TEST(S3Store, RefusesAWholeObjectWhereARangeWasAskedFor) {
  const ScriptedHttpServer server({{.status = 200, .headers = {}, .body = "0123456789"}});
  const auto bytes =
      get_and_wait(*open(server), {.key = base::ObjectKey{"k"}, .offset = 2, .length = std::uint64_t{3}});
  EXPECT_EQ(bytes.error().category, Category::unsupported);
}

TEST(S3Store, ReportsFailuresOfSingleKeysWithoutThePrefix) {
  const ScriptedHttpServer server(
      {{.status = 200,
        .headers = {},
        .body = "<DeleteResult><Error><Key>pre/b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
                "<Error><Key>pre/c</Key><Code>NoSuchKey</Code></Error></DeleteResult>"}});
  const auto failures =
      remove_and_wait(*open(server), {base::ObjectKey{"a"}, base::ObjectKey{"b"}, base::ObjectKey{"c"}});
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 1U);
  EXPECT_EQ(failures->at(0).key.value, "b");
  EXPECT_EQ(failures->at(0).error.category, Category::denied);
}

TEST(S3Store, AsksOnlyTheServerForItsNeeds) {
  const ScriptedHttpServer server({});
  const auto store = open(server);
  EXPECT_EQ(store->display_url(), "s3://bkt/pre");
  EXPECT_EQ(store->layout(), KeyLayout::s3);
  EXPECT_TRUE(server.requests().empty()) << "opening makes no request";
}

TEST(S3Store, FailsWithAdviceWithoutCredentials) {
  const ScriptedHttpServer server({});
  S3StoreConfig config;
  config.target = {
      .endpoint = http::parse_url(server.url()).value(), .bucket = "bkt", .region = "r", .path_style = true};
  config.credentials =
      std::make_shared<DefaultCredentials>([](std::string_view) -> std::optional<std::string> { return std::nullopt; });
  S3Store store(std::move(config));
  const auto result = put_and_wait(store, put_of("k"));
  EXPECT_EQ(result.error().category, Category::denied);
  EXPECT_TRUE(server.requests().empty());
}

TEST(Probe, TellsHowAStoreTreatsConditions) {
  struct Case {
    std::vector<ScriptedAnswer> script;
    ConditionalPut expected;
  };
  const ScriptedAnswer removed{.status = 200, .headers = {}, .body = "<DeleteResult/>"};
  const Case cases[] = {
      {{stored(), refused(412, "PreconditionFailed"), removed}, ConditionalPut::honoured},
      {{stored(), stored(), removed}, ConditionalPut::ignored},
      {{refused(501, "NotImplemented")}, ConditionalPut::unsupported},
      {{{.status = 200, .headers = {}, .body = {}, .then = Then::drop}, refused(412, "PreconditionFailed"), removed},
       ConditionalPut::honoured},
  };
  for (const auto& c : cases) {
    const ScriptedHttpServer server(c.script);
    EXPECT_EQ(probe_conditional_put(*open(server), "databases/"), c.expected) << to_string(c.expected);
    EXPECT_EQ(server.requests().size(), c.script.size());
    EXPECT_TRUE(server.requests().at(0).target.starts_with("/bkt/pre/databases/.litestream-manager-probe-"));
  }
}

TEST(Probe, PassesOnWhyTheStoreCannotBeAsked) {
  const ScriptedHttpServer server(
      {refused(403, "AccessDenied"), {.status = 200, .headers = {}, .body = "<DeleteResult/>"}});
  const auto answer = probe_conditional_put(*open(server), "databases/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().category, Category::denied);
}

TEST(OpenStore, RefusesAnEndpointThatIsMoreThanAnAddress) {
  for (const char* endpoint : {"127.0.0.1:9000", "http://h/path", "http://user:pw@h"}) {
    StoreConfig config;
    config.bucket.bucket = "bkt";
    config.endpoint = endpoint;
    const auto store = make_store(std::move(config));
    ASSERT_FALSE(store) << endpoint;
    EXPECT_EQ(store.error().category, Category::invalid);
  }
}

}  // namespace
}  // namespace storage::s3
