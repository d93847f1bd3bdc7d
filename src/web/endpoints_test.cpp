#include "web/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class FixedClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override { return {}; }
  [[nodiscard]] base::UnixMillis unix_now() const override { return now; }
  base::UnixMillis now{1'700'000'000'000};
};

class EndpointsTest : public ::testing::Test {
 protected:
  EndpointsTest() { source_.publish(testing::make_fleet(3)); }

  Response status(std::string_view query = "", std::string_view if_none_match = "") {
    return status_.handle({.path = "/api/status", .query = query, .if_none_match = if_none_match});
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  FixedClock clock_;
  testing::FakeStatusSource source_;
  EndpointContext context_{.source = source_, .clock = clock_, .version = "1"};
  StatusEndpoint status_{context_};
};

TEST_F(EndpointsTest, StatusIsNotModifiedWhileTheFleetStandsStill) {
  const std::string etag = header(status(), "ETag");
  const Response again = status("", etag);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, nullptr);
  EXPECT_EQ(header(again, "ETag"), etag);
  EXPECT_EQ(status("", "W/" + etag).status, 304);
  EXPECT_EQ(status("", "\"other\"").status, 200);
}

TEST_F(EndpointsTest, AClientsRecordHasItsOwnAccount) {
  engine::ClientAccount account;
  account.holdings.emplace();
  account.holdings->objects = 77;
  source_.set_account(testing::client_id(2), account);
  ClientEndpoint clients(context_);
  const auto objects = [&](int number) {
    const std::string path = "/api/clients/" + testing::client_id(static_cast<std::uint64_t>(number));
    const Response response = clients.handle({.path = path, .query = "", .if_none_match = ""});
    return json::parse(*response.body)["account"]["bucket"];
  };
  EXPECT_EQ(objects(2)["objects"], 77);
  EXPECT_TRUE(objects(1).is_null());
}

TEST_F(EndpointsTest, StatusTagChangesWithTheVersionAndWithTheUptimesText) {
  const std::string etag = header(status(), "ETag");
  source_.edit([](engine::FleetStatus& fleet) { fleet.notices = {"new"}; });
  EXPECT_EQ(status("", etag).status, 200);
  const std::string later = header(status(), "ETag");
  clock_.now += 59s;
  EXPECT_EQ(status("", later).status, 304);
  clock_.now += 1s;
  const Response next_minute = status("", later);
  EXPECT_EQ(next_minute.status, 200);
  EXPECT_EQ(json::parse(*next_minute.body)["uptime"], "1m");
}

TEST_F(EndpointsTest, AnUnchangedFleetIsRenderedOncePerQuery) {
  const auto first = status("limit=1").body;
  EXPECT_EQ(status("limit=1").body, first);
  EXPECT_NE(status("limit=2").body, first);
  source_.edit([](engine::FleetStatus&) {});
  EXPECT_NE(status("limit=1").body, first);
}

TEST_F(EndpointsTest, AnswersTooLargeToKeepAreRenderedAnew) {
  source_.publish(testing::make_fleet(4000));
  EXPECT_GT(status().body->size(), 2'000'000U);
  EXPECT_EQ(status().body.use_count(), 1);
  EXPECT_EQ(*status().body, *status().body);
}

TEST_F(EndpointsTest, AnswersNeverMixQueries) {
  for (int offset = 0; offset < 40; ++offset) status("offset=" + std::to_string(offset));
  EXPECT_EQ(json::parse(*status("limit=1").body)["clients"].size(), 1U);
  EXPECT_EQ(json::parse(*status().body)["clients"].size(), 3U);
}

TEST_F(EndpointsTest, BrokenQueryIs400WithAReason) {
  const Response response = status("limit=many");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(json::parse(*response.body)["error"].get<std::string>(), HasSubstr("limit"));
}

TEST_F(EndpointsTest, OneClientOr404) {
  ClientEndpoint endpoint(context_);
  const auto ask = [&endpoint](const std::string& id) {
    const std::string path = "/api/clients/" + id;
    return endpoint.handle({.path = path, .query = "", .if_none_match = ""});
  };
  const Response found = ask(testing::client_id(2));
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(json::parse(*found.body)["clientId"], testing::client_id(2));
  for (const std::string& id :
       {testing::client_id(9), std::string(), std::string("zzz"), testing::client_id(2) + "x"}) {
    EXPECT_EQ(ask(id).status, 404) << id;
  }
}

TEST_F(EndpointsTest, HealthIs503WithReasonsWhenTheWatchDirectoryIsLost) {
  HealthEndpoint endpoint(context_);
  EXPECT_EQ(endpoint.handle({}).status, 200);
  source_.edit(
      [](engine::FleetStatus& fleet) { fleet.watch_dirs[0] = {.path = "/data", .ok = false, .detail = "gone"}; });
  const Response response = endpoint.handle({});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(json::parse(*response.body), json({{"status", "failing"}, {"reasons", {"watch directory /data: gone"}}}));
}

TEST_F(EndpointsTest, MetricsPerClientOnlyWithTheParameter) {
  MetricsEndpoint endpoint(context_);
  const auto ask = [&endpoint](std::string_view query) {
    return *endpoint.handle({.path = "/metrics", .query = query, .if_none_match = ""}).body;
  };
  EXPECT_THAT(ask("clients=1"), HasSubstr("litestream_db_size{"));
  EXPECT_THAT(ask("clients=0"), ::testing::Not(HasSubstr("litestream_db_size{")));
  EXPECT_THAT(ask(""), HasSubstr("process_resident_memory_bytes "));
}

TEST(Assets, DashboardIsEmbeddedWhole) {
  bool has_page = false;
  for (const Asset& asset : assets()) {
    EXPECT_FALSE(asset.content.empty()) << asset.path;
    EXPECT_EQ(asset.hash.size(), 16U);
    if (asset.path != "/") continue;
    has_page = true;
    EXPECT_EQ(asset.content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(asset.content.ends_with("</html>\n"));
  }
  EXPECT_TRUE(has_page);
}

// The content security policy forbids inline code and styles, so the page must not contain any.
TEST(Assets, PageHasNoInlineCodeAndNothingFromElsewhere) {
  for (const Asset& asset : assets()) {
    if (asset.path.ends_with(".svg")) continue;  // names a namespace by URL
    EXPECT_EQ(asset.content.find("http://"), std::string_view::npos) << asset.path;
    EXPECT_EQ(asset.content.find("https://"), std::string_view::npos) << asset.path;
    EXPECT_EQ(asset.content.find("innerHTML"), std::string_view::npos) << asset.path;
    EXPECT_EQ(asset.content.find(" style=\""), std::string_view::npos) << asset.path;
    EXPECT_EQ(asset.content.find(" onclick=\""), std::string_view::npos) << asset.path;
    EXPECT_EQ(asset.content.find("<script>"), std::string_view::npos) << asset.path;
  }
}

}  // namespace
}  // namespace web
