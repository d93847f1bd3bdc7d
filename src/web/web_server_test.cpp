#include "web/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "web/testing/fake_fleet.h"
#include "web/testing/raw_client.h"

namespace web {
namespace {

using nlohmann::json;
using testing::fetch;
using ::testing::HasSubstr;
using testing::RawClient;
using namespace std::chrono_literals;

class WebServerTest : public ::testing::Test {
 protected:
  WebServerTest() {
    source_.publish(testing::make_fleet(3));
    WebOptions options;
    options.port = 0;
    options.version = "1.2.3";
    options.limits.event_interval = 1ms;
    auto started = WebServer::start(source_, options);
    EXPECT_TRUE(started.has_value());
    server_ = std::move(*started);
  }

  testing::FakeStatusSource source_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerTest, UrlNamesTheChosenPort) {
  EXPECT_NE(server_->port(), 0);
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(server_->port()));
}

TEST_F(WebServerTest, EveryAddressAnswers) {
  for (const auto& [path, type] :
       std::vector<std::pair<std::string, std::string>>{{"/", "text/html"},
                                                        {"/app.js", "text/javascript"},
                                                        {"/style.css", "text/css"},
                                                        {"/favicon.svg", "image/svg+xml"},
                                                        {"/?state=live", "text/html"},
                                                        {"/api/status", "application/json"},
                                                        {"/api/clients/" + testing::client_id(1), "application/json"},
                                                        {"/healthz", "application/json"},
                                                        {"/metrics", "text/plain; version=0.0.4"}}) {
    const auto response = fetch(server_->port(), path);
    ASSERT_TRUE(response.has_value()) << path;
    EXPECT_EQ(response->status, 200) << path;
    EXPECT_THAT(response->header("Content-Type"), ::testing::StartsWith(type));
    EXPECT_FALSE(response->body.empty()) << path;
  }
}

TEST_F(WebServerTest, TagFromOneAnswerSavesTheNext) {
  const auto first = fetch(server_->port(), "/api/status");
  const auto again = fetch(server_->port(), "/api/status", "If-None-Match: " + first->header("ETag") + "\r\n");
  EXPECT_EQ(again->status, 304);
  EXPECT_EQ(again->body, "");
}

TEST_F(WebServerTest, AChangeReachesAnOpenStream) {
  RawClient client(server_->port());
  client.send(testing::get_request("/api/events"));
  EXPECT_THAT(client.read_until("\r\n\r\n").value_or(""), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(client.read_until("\n\n").value_or(""), HasSubstr("event: hello"));
  source_.edit([](engine::FleetStatus& fleet) {
    auto next = testing::make_client(2, engine::ClientState::failing);
    next.detail = "two\nlines";
    fleet.clients[1] = testing::share(next);
  });
  const std::string frame = client.read_until("\n\n").value_or("");
  EXPECT_THAT(frame, HasSubstr("event: change\n"));
  const json change = json::parse(frame.substr(frame.find("data: ") + 6));
  ASSERT_EQ(change["clients"].size(), 1U);
  EXPECT_EQ(change["clients"][0]["state"], "failing");
  EXPECT_EQ(change["clients"][0]["detail"], "two\nlines");
  EXPECT_EQ(change["states"]["failing"], 1);
  EXPECT_EQ(change["fleetVersion"], source_.version());
}

TEST_F(WebServerTest, EveryInterfaceIsShownAsLocalhost) {
  WebOptions options;
  options.bind = "0.0.0.0";
  options.port = 0;
  const auto server = WebServer::start(source_, options);
  ASSERT_TRUE(server.has_value());
  EXPECT_THAT((*server)->url(), ::testing::StartsWith("http://localhost:"));
}

}  // namespace
}  // namespace web
