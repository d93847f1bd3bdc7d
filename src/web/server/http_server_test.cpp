#include "web/server/http_server.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/testing/raw_client.h"

namespace web {
namespace {

using testing::fetch;
using testing::get_request;
using ::testing::HasSubstr;
using testing::RawClient;
using namespace std::chrono_literals;

class TextEndpoint final : public Endpoint {
 public:
  explicit TextEndpoint(std::string text) : text_(std::move(text)) {}
  Response handle(const Request& request) override {
    return make_response(200, kPlainText, text_ + std::string(request.query));
  }

 private:
  std::string text_;
};

class ThrowingEndpoint final : public Endpoint {
 public:
  Response handle(const Request& /*request*/) override { throw std::runtime_error("a defect"); }
};

constexpr std::size_t kLargeBytes = 64U << 20U;

std::unique_ptr<HttpServer> start(ServerLimits limits = {}, std::string bind = "127.0.0.1") {
  auto router = std::make_unique<Router>();
  router->add("/", std::make_unique<TextEndpoint>("hello"));
  router->add("/throws", std::make_unique<ThrowingEndpoint>());
  router->add("/large", std::make_unique<TextEndpoint>(std::string(kLargeBytes, 'x')));
  auto server = HttpServer::start({.bind = std::move(bind), .port = 0}, std::move(router), limits);
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  const auto server = start();
  RawClient client(server->port());
  for (const std::string query : {"1", "2", "3"}) {
    client.send(get_request("/?" + query));
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello" + query);
    EXPECT_EQ(response->header("Connection"), "keep-alive");
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = start();
  RawClient client(server->port());
  client.send(get_request("/?a") + get_request("/?b") + get_request("/none"));
  EXPECT_EQ(client.read_response()->body, "helloa");
  EXPECT_EQ(client.read_response()->body, "hellob");
  EXPECT_EQ(client.read_response()->status, 404);
}

TEST(HttpServer, HeadHasTheLengthButNotTheBody) {
  const auto server = start();
  RawClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_response(RawClient::Body::none)->header("Content-Length"), "5");
  client.send(get_request("/"));
  EXPECT_EQ(client.read_response()->body, "hello");  // nothing lay between
}

TEST(HttpServer, OtherMethodsAre405WithAllow) {
  const auto server = start();
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    RawClient client(server->port());
    client.send(method + " / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value()) << method;
    EXPECT_EQ(response->status, 405) << method;
    EXPECT_EQ(response->header("Allow"), "GET, HEAD");
  }
}

TEST(HttpServer, UnknownPathsAre404) {
  const auto server = start();
  EXPECT_EQ(fetch(server->port(), "/nothing")->status, 404);
  const auto api = fetch(server->port(), "/api/nothing");
  EXPECT_EQ(api->status, 404);
  EXPECT_EQ(api->header("Content-Type"), "application/json; charset=utf-8");
}

TEST(HttpServer, AnEndpointThatThrowsCostsOneAnswer) {
  const auto server = start();
  EXPECT_EQ(fetch(server->port(), "/throws")->status, 500);
  EXPECT_EQ(fetch(server->port(), "/")->status, 200);
}

TEST(HttpServer, RequestsThatBreakTheRulesAreRefusedAndTheConnectionEnds) {
  const auto server = start();
  const std::string long_header = "X: " + std::string(20'000, 'x') + "\r\n";
  struct Case {
    std::string name, request;
    int status;
  };
  for (const Case& c : {
           Case{"not HTTP", "\x16\x03\x01\x02 hello\r\n\r\n", 400},
           Case{"bad version", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400},
           Case{"header too large", get_request("/", long_header), 431},
           Case{"address too long", get_request("/" + std::string(20'000, 'a')), 431},
           Case{"body too large", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nx", 413},
           Case{"chunks too large",
                "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" +
                    std::string(10'000, 'x'),
                413},
       }) {
    RawClient client(server->port());
    client.send(c.request);
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value()) << c.name;
    EXPECT_EQ(response->status, c.status) << c.name;
    EXPECT_EQ(response->header("Connection"), "close");
    client.close();
  }
}

TEST(HttpServer, HostMustNameLoopbackWhileListeningThere) {
  const auto server = start();
  const std::string port = std::to_string(server->port());
  struct Case {
    std::string headers;
    int status;
  };
  for (const Case& c :
       {Case{"Host: 127.0.0.1:" + port + "\r\n", 200}, Case{"Host: [::1]:1\r\n", 200},
        Case{"Host: evil.example\r\n", 421}, Case{"Host: localhost.evil.example\r\n", 421}, Case{"Host: \r\n", 421},
        Case{"", 400}, Case{"Host: localhost\r\nHost: evil.example\r\n", 400}}) {
    RawClient client(server->port());
    client.send("GET / HTTP/1.1\r\n" + c.headers + "\r\n");
    EXPECT_EQ(client.read_response()->status, c.status) << c.headers;
  }
}

TEST(HttpServer, AnyHostPassesWhereEveryInterfaceListens) {
  const auto server = start({}, "0.0.0.0");
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: backup.example\r\n\r\n");
  EXPECT_EQ(client.read_response()->status, 200);
}

TEST(HttpServer, HeaderThatTricklesInIsCutOffWhileOthersAreServed) {
  const auto server = start({.header_timeout = 100ms});
  RawClient slow(server->port());
  slow.send("GET / HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(fetch(server->port(), "/")->status, 200);
  EXPECT_TRUE(slow.is_closed_by_peer());
}

TEST(HttpServer, ConnectionsThatSayNothingAreClosed) {
  const auto server = start({.header_timeout = 50ms, .idle_timeout = 50ms});
  RawClient silent(server->port());
  RawClient once(server->port());
  once.send(get_request("/"));
  EXPECT_EQ(once.read_response()->status, 200);
  EXPECT_TRUE(silent.is_closed_by_peer());
  EXPECT_TRUE(once.is_closed_by_peer());
}

TEST(HttpServer, ConnectionsBeyondTheLimitAreTurnedAway) {
  const auto server = start({.connections_max = 2});
  RawClient first(server->port());
  RawClient second(server->port());
  for (RawClient* client : {&first, &second}) {
    client->send(get_request("/"));
    EXPECT_EQ(client->read_response()->status, 200);
  }
  RawClient third(server->port());
  EXPECT_EQ(third.read_response()->status, 503);
  EXPECT_TRUE(third.is_closed_by_peer());
  first.send(get_request("/"));
  EXPECT_EQ(first.read_response()->status, 200);
}

TEST(HttpServer, AReaderThatTakesTooLongIsCutOff) {
  const auto server = start({.send_bytes_per_second_min = 1U << 30U, .send_grace = 1ms});
  RawClient slow(server->port(), RawClient::ReceiveBuffer::tiny);
  slow.send(get_request("/large"));
  EXPECT_EQ(slow.read_until(std::string(kLargeBytes, 'x')), std::nullopt);
}

TEST(HttpServer, LargeAnswersUnderWayAreBounded) {
  const auto server = start({.sending_bytes_max = kLargeBytes});
  RawClient slow(server->port(), RawClient::ReceiveBuffer::tiny);
  slow.send(get_request("/large"));
  ASSERT_TRUE(slow.read_until("\r\n\r\n").has_value());  // alone it may be as large as the bound
  const auto refused = fetch(server->port(), "/large");
  EXPECT_EQ(refused->status, 503);
  slow.close();
}

TEST(HttpServer, StopEndsIdleConnectionsAtOnceAndIsFineTwice) {
  auto server = start();
  RawClient client(server->port());
  client.send(get_request("/"));
  EXPECT_EQ(client.read_response()->status, 200);
  server->stop();
  EXPECT_TRUE(client.is_closed_by_peer());
  server->stop();
}

TEST(HttpServer, StopWaitsForAnswersUnderWayButNotForever) {
  auto server = start({.stop_grace = 100ms});
  RawClient stuck(server->port(), RawClient::ReceiveBuffer::tiny);
  stuck.send(get_request("/large"));
  ASSERT_TRUE(stuck.read_until("\r\n\r\n").has_value());
  const auto before = std::chrono::steady_clock::now();
  server->stop();
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 10s);  // send_grace alone is 30 s
}

TEST(HttpServer, ErrorsNameAddressPortAndFlag) {
  const auto server = start();
  const auto second = HttpServer::start({.bind = "127.0.0.1", .port = server->port()}, std::make_unique<Router>());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().category, base::Category::conflict);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1 port " + std::to_string(server->port())));
  EXPECT_THAT(second.error().message, HasSubstr("-port"));

  const auto nowhere = HttpServer::start({.bind = "203.0.113.1", .port = 0}, std::make_unique<Router>());
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().category, base::Category::invalid);
  EXPECT_THAT(nowhere.error().message, HasSubstr("-bind"));

  const auto name = HttpServer::start({.bind = "dashboard.example", .port = 0}, std::make_unique<Router>());
  ASSERT_FALSE(name.has_value());
  EXPECT_EQ(name.error().category, base::Category::invalid);
}

TEST(HttpServer, ListensOnIpv6WhereTheMachineHasIt) {
  auto server = HttpServer::start({.bind = "::1", .port = 0}, std::make_unique<Router>());
  if (server) {
    EXPECT_NE((*server)->port(), 0);
  } else {
    EXPECT_THAT(server.error().message, HasSubstr("::1"));
  }
}

}  // namespace
}  // namespace web
