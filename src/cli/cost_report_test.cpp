#include "cli/cost_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

engine::ClientRates client(const std::string& id, double commits_per_day) {
  engine::ClientRates rates;
  rates.id = id;
  rates.writing.commits_per_day = commits_per_day;
  rates.sizes = history::ObjectSizes(8 << 10, 100 << 20);
  rates.stored_bytes = 7 << 20;
  return rates;
}

CostReport with_defaults(const std::vector<engine::ClientRates>& rates) {
  return cost_report(rates, [](const auto&) { return history::RetentionPolicy{}; }, {});
}

TEST(CostReport, PricesRequestsAndStorageOfADay) {
  const CostReport report = with_defaults({client("a", 1440)});
  ASSERT_EQ(report.clients.size(), 1U);
  const ClientCost& cost = report.clients.front();
  const history::Forecast day =
      history::forecast({.commits_per_day = 1440}, history::ObjectSizes(8 << 10, 100 << 20), {});
  EXPECT_DOUBLE_EQ(cost.requests_price, history::request_cost(day.requests()));
  EXPECT_DOUBLE_EQ(cost.storage_price, history::storage_cost(day.stored_bytes) / 30);
  EXPECT_NEAR(cost.requests_price, 1600 * 0.005 / 1000, 0.0005);
  EXPECT_NEAR(report.all.price(), cost.price(), 1e-12);
}

TEST(CostReport, AnIdleClientCostsItsStorageAlone) {
  const CostReport report = with_defaults({client("a", 0)});
  EXPECT_EQ(report.all.day.requests().total(), 0);
  EXPECT_EQ(report.all.requests_price, 0);
  EXPECT_GT(report.all.storage_price, 0);
}

TEST(CostReport, VerificationsAreEachClientsAndAnAuditIsOneListingOfAll) {
  auto large = client("a", 0);
  large.stored_objects = 2500;
  large.stored_bytes = 1;
  auto small = client("b", 0);
  small.stored_objects = 6;
  const auto of = [&](Looks looks) {
    return cost_report({large, small}, [](const auto&) { return history::RetentionPolicy{}; }, {}, looks);
  };
  EXPECT_EQ(of({}).all.looks.total(), 0);
  const CostReport verified = of({.verify_every = std::chrono::days(10)});
  EXPECT_DOUBLE_EQ(verified.all.looks.lists, (3 + 1) / 10.0);
  EXPECT_DOUBLE_EQ(verified.all.looks.gets, (20 + 6) / 10.0);
  EXPECT_DOUBLE_EQ(verified.all.requests_price,
                   verified.clients[0].requests_price + verified.clients[1].requests_price);
  EXPECT_DOUBLE_EQ(verified.all.looks_bytes, 2 * (100 << 20) / 10.0);
  const CostReport audited = of({.audit_every = std::chrono::days(30)});
  EXPECT_DOUBLE_EQ(audited.all.looks.total(), 3 / 30.0);
  EXPECT_DOUBLE_EQ(audited.all.requests_price, 3 / 30.0 * 0.005 / 1000);
  EXPECT_EQ(audited.clients[0].requests_price, 0);
  EXPECT_THAT(cost_text(audited), HasSubstr("Among the requests are 3 in 30 days"));
}

TEST(CostReport, DeletionsOfAllClientsGoTogether) {
  const std::vector<engine::ClientRates> many(1000, client("a", 24));
  const CostReport report = with_defaults(many);
  EXPECT_NEAR(report.all.day.captures, 24'000, 1e-6);
  EXPECT_LE(report.all.day.deletes, 24 * 12 + 30);
  EXPECT_GE(report.clients.front().day.deletes, 20) << "alone";
}

TEST(CostReport, EachClientHasItsOwnRetention) {
  const CostReport report = cost_report(
      {client("kept", 1440), client("thinned", 1440)},
      [](const engine::ClientRates& rates) { return history::RetentionPolicy{.off = rates.id == "kept"}; }, {});
  for (const ClientCost& cost : report.clients) EXPECT_EQ(cost.day.deletes == 0, cost.id == "kept") << cost.id;
}

TEST(CostReport, ShowsTheDearestAndSumsUpTheRest) {
  std::vector<engine::ClientRates> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(client("client " + std::to_string(i), 10.0 * i));
  const CostReport report = with_defaults(clients);
  EXPECT_EQ(report.clients.front().id, "client 29");
  const std::string text = cost_text(report);
  EXPECT_THAT(text, HasSubstr("client 29 "));
  EXPECT_THAT(text, Not(HasSubstr("client 9 ")));
  EXPECT_THAT(text, HasSubstr("10 others"));
  EXPECT_THAT(text, HasSubstr("all 30"));
  const json record = json::parse(cost_json(report));
  EXPECT_EQ(record["clients"].size(), 30U);
  EXPECT_DOUBLE_EQ(record["all"]["commitsPerDay"], 4350);
  double sum = 0;
  for (const auto& one : record["clients"]) sum += one["storagePrice"].get<double>();
  EXPECT_NEAR(sum, record["all"]["storagePrice"], 1e-9);
}

}  // namespace
}  // namespace cli
