// The API of operations over real sockets.
#include "web/operation_endpoints.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "web/testing/fake_fleet.h"
#include "web/testing/fake_operations.h"
#include "web/testing/raw_client.h"
#include "web/web_server.h"

namespace web {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::PatternBody;
using testing::RawClient;
using namespace std::chrono_literals;

constexpr std::string_view kAuthorized = "Authorization: Bearer s3cr3t\r\n";
constexpr std::string_view kJsonType = "Content-Type: application/json\r\n";
constexpr std::string_view kFormType = "Content-Type: application/x-www-form-urlencoded\r\n";
constexpr std::uint64_t kFileBytes = 30'000'001;  // more than any buffer between two sockets

class OperationsApi : public ::testing::Test {
 protected:
  void start(ServerLimits limits = {}) {
    source_.publish(testing::make_fleet(1));
    WebOptions options;
    options.port = 0;
    options.limits = limits;
    options.operations = &operations_;
    options.token = base::Secret("s3cr3t");
    options.token_file = "/state/api-token";
    auto started = WebServer::start(source_, std::move(options));
    ASSERT_TRUE(started.has_value());
    server_ = std::move(*started);
  }

  static std::string request(std::string_view method, std::string_view path, std::string_view headers,
                             std::string_view body = "") {
    return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, path, headers,
                       body.size(), body);
  }
  testing::RawResponse ask(std::string_view method, std::string_view path, std::string_view headers,
                           std::string_view body = "") const {
    RawClient client(server_->port());
    client.send(request(method, path, headers, body));
    return client.read_response().value_or(testing::RawResponse{});
  }
  testing::RawResponse start_restore(std::string_view body, std::string_view more_headers = "") const {
    return ask("POST", "/api/restores", fmt::format("{}{}{}", kAuthorized, kJsonType, more_headers), body);
  }
  // Whoever waits behind the one that a test has under way.
  void expect_alive() const { EXPECT_EQ(testing::fetch(server_->port(), "/healthz")->status, 200); }

  testing::FakeStatusSource source_;
  testing::FakeOperations operations_{kFileBytes};
  std::unique_ptr<WebServer> server_;
};

constexpr std::string_view kRestore = R"({"clientId": "a", "download": true})";

TEST_F(OperationsApi, AnOperationIsStartedWatchedAndCancelled) {
  start();
  const auto started = start_restore(R"({"clientId": "a", "to": "/srv/new.db", "at": "-2h"})");
  ASSERT_EQ(started.status, 202) << started.body;
  EXPECT_EQ(started.header("Location"), "/api/operations/1");
  const json operation = json::parse(started.body);
  EXPECT_EQ(operation["id"], "1");
  EXPECT_EQ(operation["kind"], "restore");
  EXPECT_EQ(operation["state"], "queued");
  EXPECT_EQ(operation["to"], "/srv/new.db");
  EXPECT_EQ(operation["at"], "-2h");
  EXPECT_TRUE(operation["result"].is_null());
  const auto second =
      ask("POST", "/api/verifications", fmt::format("{}{}", kAuthorized, kJsonType), R"({"clientId": "b"})");
  EXPECT_EQ(second.status, 202);

  const json list = json::parse(testing::fetch(server_->port(), "/api/operations")->body);
  ASSERT_EQ(list["operations"].size(), 2U);
  EXPECT_EQ(list["operations"][0]["kind"], "verification") << "newest first";
  EXPECT_EQ(list["tokenFile"], "/state/api-token");
  EXPECT_EQ(json::parse(testing::fetch(server_->port(), "/api/operations/1")->body)["id"], "1");
  EXPECT_EQ(testing::fetch(server_->port(), "/api/operations/9")->status, 404);

  const auto cancelled = ask("DELETE", "/api/operations/1", kAuthorized);
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(json::parse(cancelled.body)["state"], "cancelled");
  EXPECT_EQ(ask("DELETE", "/api/operations/1", kAuthorized).status, 409);
  EXPECT_EQ(ask("DELETE", "/api/operations/9", kAuthorized).status, 404);
}

TEST_F(OperationsApi, NothingIsStartedCancelledOrHandedOutWithoutTheToken) {
  start();
  ASSERT_EQ(start_restore(kRestore).status, 202);
  struct Case {
    std::string_view method, path;
  };
  for (const Case& c :
       {Case{"POST", "/api/restores"}, Case{"POST", "/api/verifications"}, Case{"DELETE", "/api/operations/1"},
        Case{"GET", "/api/operations/1/file"}, Case{"POST", "/api/operations/1/file"}}) {
    for (const std::string_view header : {"", "Authorization: Bearer wrong\r\n", "Authorization: Basic s3cr3t\r\n"}) {
      const auto response = ask(c.method, c.path, fmt::format("{}{}", header, kJsonType), kRestore);
      EXPECT_EQ(response.status, 401) << c.method << " " << c.path << " " << header;
      EXPECT_THAT(json::parse(response.body)["error"].get<std::string>(), HasSubstr("/state/api-token"));
      EXPECT_EQ(response.header("WWW-Authenticate"), "Bearer");
    }
  }
  EXPECT_EQ(ask("POST", "/api/operations/1/file?token=s3cr3t", "").status, 401) << "no secret in a URL";
  EXPECT_EQ(operations_.list().size(), 1U);
  EXPECT_EQ(operations_.find("1")->state, OperationState::queued);
}

TEST_F(OperationsApi, WhatDoesNotFitIsRefusedWithItsReason) {
  start();
  EXPECT_EQ(start_restore(kRestore, "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(start_restore(kRestore, "Origin: null\r\n").status, 403);
  EXPECT_EQ(start_restore(kRestore, "Origin: http://localhost\r\n").status, 202);
  EXPECT_EQ(ask("POST", "/api/restores", kAuthorized, kRestore).status, 415);
  EXPECT_EQ(ask("POST", "/api/restores", fmt::format("{}{}", kAuthorized, kFormType), kRestore).status, 415);
  EXPECT_EQ(start_restore("{").status, 400);
  EXPECT_EQ(start_restore(R"({"clientId": "full", "download": true})").status, 429);
  EXPECT_EQ(start_restore(R"({"clientId": "there", "download": true})").status, 409);
  struct Case {
    std::string_view method, path, allow;
  };
  for (const Case& c :
       {Case{"GET", "/api/restores", "POST"}, Case{"PUT", "/api/restores", "POST"},
        Case{"POST", "/api/operations", "GET, HEAD"}, Case{"POST", "/api/operations/1", "GET, HEAD, DELETE"},
        Case{"DELETE", "/api/operations/1/file", "GET, HEAD, POST"}}) {
    const auto response = ask(c.method, c.path, fmt::format("{}{}", kAuthorized, kJsonType));
    EXPECT_EQ(response.status, 405) << c.path;
    EXPECT_EQ(response.header("Allow"), c.allow);
    EXPECT_TRUE(json::parse(response.body).contains("error"));
  }
}

TEST_F(OperationsApi, ABodyOf16KiBIsReadAndALargerOneRefused) {
  start();
  const std::string padding(16 * 1024 - kRestore.size(), ' ');
  EXPECT_EQ(start_restore(std::string(kRestore) + padding).status, 202);
  const auto refused = start_restore(std::string(kRestore) + padding + " ");
  EXPECT_EQ(refused.status, 413);
  EXPECT_TRUE(json::parse(refused.body).contains("error"));
  EXPECT_EQ(ask("GET", "/api/operations", "", std::string(4097, ' ')).status, 413) << "no body is taken there";
}

TEST_F(OperationsApi, ABodyThatNeverComesHoldsNobodyUp) {
  start({.header_timeout = 200ms});
  RawClient slow(server_->port());
  slow.send(fmt::format("POST /api/restores HTTP/1.1\r\nHost: localhost\r\n{}{}Content-Length: 100\r\n\r\n{{",
                        kAuthorized, kJsonType));
  expect_alive();
  EXPECT_TRUE(slow.is_closed_by_peer());
  EXPECT_TRUE(operations_.list().empty());
}

TEST_F(OperationsApi, ADownloadComesWholeByHeaderAndByForm) {
  start();
  for (const std::string& by :
       {request("GET", "/api/operations/1/file", kAuthorized), request("POST", "/api/operations/1/file", kAuthorized),
        request("POST", "/api/operations/1/file", kFormType, "x=1&token=s3cr3t")}) {
    RawClient client(server_->port());
    client.send(by);
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value());
    ASSERT_EQ(response->status, 200) << response->body.substr(0, 200);
    EXPECT_EQ(response->header("Content-Disposition"), "attachment; filename=\"a-000000000000002a.db\"");
    EXPECT_EQ(response->header("Cache-Control"), "no-store");
    ASSERT_EQ(response->body.size(), kFileBytes);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < response->body.size(); ++i) {
      if (static_cast<std::uint8_t>(response->body[i]) != PatternBody::byte_at(i)) ++wrong;
    }
    EXPECT_EQ(wrong, 0U);
    client.send(testing::get_request("/healthz"));
    EXPECT_EQ(client.read_response()->status, 200) << "the connection goes on";
  }
  RawClient head(server_->port());
  head.send(fmt::format("HEAD /api/operations/1/file HTTP/1.1\r\nHost: localhost\r\n{}\r\n", kAuthorized));
  EXPECT_EQ(head.read_response(RawClient::Body::none)->header("Content-Length"), std::to_string(kFileBytes));
  EXPECT_EQ(ask("POST", "/api/operations/1/file", kFormType, "token=wrong").status, 401);
  EXPECT_EQ(ask("POST", "/api/operations/1/file", kFormType, "token=%zz").status, 401);
  EXPECT_EQ(ask("POST", "/api/operations/2/file", kFormType, "token=s3cr3t").status, 404);
}

TEST_F(OperationsApi, AReaderThatGoesAwayOrStandsStillCostsNobodyElse) {
  start({.send_bytes_per_second_min = 100'000'000, .sources_max = 1, .send_grace = 1s});
  const auto beginning = [](RawClient& client) {
    client.send(request("GET", "/api/operations/1/file", kAuthorized));
    return client.read_until("\r\n\r\n").value_or("");
  };
  {
    RawClient gone(server_->port(), RawClient::ReceiveBuffer::tiny);
    EXPECT_THAT(beginning(gone), HasSubstr("200 OK"));
    expect_alive();
    EXPECT_EQ(ask("GET", "/api/operations/1/file", kAuthorized).status, 503) << "one at a time";
  }
  const auto limit = std::chrono::steady_clock::now() + 20s;
  const auto can_download = [&] {
    RawClient next(server_->port());
    return beginning(next).contains("200 OK");
  };
  while (!can_download()) ASSERT_LT(std::chrono::steady_clock::now(), limit) << "the place was not given back";
  std::optional<RawClient> still;
  do {  // the one before it goes first
    ASSERT_LT(std::chrono::steady_clock::now(), limit);
    still.emplace(server_->port(), RawClient::ReceiveBuffer::tiny);
  } while (!beginning(*still).contains("200 OK"));
  while (!can_download()) ASSERT_LT(std::chrono::steady_clock::now(), limit) << "it was not cut off";
}

TEST_F(OperationsApi, AStopDoesNotWaitForAReader) {
  start({.stop_grace = 100ms});
  RawClient slow(server_->port(), RawClient::ReceiveBuffer::tiny);
  slow.send(request("GET", "/api/operations/1/file", kAuthorized));
  EXPECT_TRUE(slow.read_until("\r\n\r\n"));
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(OperationsApiWithoutOperations, ShowsAnEmptyListAndStartsNothing) {
  const testing::FakeStatusSource source;
  WebOptions options;
  options.port = 0;
  const auto server = WebServer::start(source, options);
  ASSERT_TRUE(server.has_value());
  const json list = json::parse(testing::fetch((*server)->port(), "/api/operations")->body);
  EXPECT_TRUE(list["operations"].empty());
  EXPECT_TRUE(list["tokenFile"].is_null());
  RawClient client((*server)->port());
  client.send("POST /api/restores HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(client.read_response()->status, 503);
}

}  // namespace
}  // namespace web
