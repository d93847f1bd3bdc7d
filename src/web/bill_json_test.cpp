#include "web/bill_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/fleet_metrics.h"
#include "web/status_json.h"
#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using nlohmann::json;
using storage::RequestKind;
using ::testing::HasSubstr;

engine::RequestTally tally() {
  engine::RequestTally tally;
  tally.requests[std::to_underlying(engine::Purpose::capture)][std::to_underlying(RequestKind::put)] = 1440;
  tally.requests[std::to_underlying(engine::Purpose::retention)][std::to_underlying(RequestKind::remove)] = 3;
  tally.sent_bytes = 12;
  tally.received_bytes = 34;
  return tally;
}

engine::FleetStatus fleet_with_a_bill() {
  engine::FleetStatus fleet = testing::make_fleet(2);
  fleet.bill = {.priced = true,
                .since_start = tally(),
                .this_month = tally(),
                .month_counted_from = base::UnixMillis{1'700'000'000'000},
                .requests_per_day = 1443.5,
                .month_cost = 1.5,
                .month_storage_cost = 0.25,
                .month_cost_projected = 4.5,
                .stored_objects = 7,
                .stored_bytes = 8};
  return fleet;
}

TEST(BillJson, FleetHasItsBillInTheStatusAndInEachChange) {
  const engine::FleetStatus fleet = fleet_with_a_bill();
  const json expected{
      {"priced", true},
      {"requestsPerDay", 1443.5},
      {"monthCountedFrom", "2023-11-14T22:13:20Z"},
      {"monthRequests", 1443},
      {"monthRequestsByPurpose", {{"capture", {{"put", 1440}}}, {"retention", {{"delete", 3}}}}},
      {"monthBytesSent", 12},
      {"monthBytesReceived", 34},
      {"monthCost", 1.5},
      {"monthStorageCost", 0.25},
      {"monthCostProjected", 4.5},
      {"storedObjects", 7},
      {"storedBytes", 8},
  };
  EXPECT_EQ(json::parse(render_status(fleet, select_clients(fleet, {}), {}))["bill"], expected);
  EXPECT_EQ(json::parse(render_change(fleet, {}))["bill"], expected);
}

TEST(BillJson, WhatIsNotKnownYetIsNull) {
  const json bill = bill_record({});
  EXPECT_TRUE(bill["requestsPerDay"].is_null());
  EXPECT_TRUE(bill["monthCostProjected"].is_null());
  EXPECT_EQ(bill["monthRequestsByPurpose"], json::object());
  const json account = account_record({});
  EXPECT_TRUE(account["bucket"].is_null());
  EXPECT_TRUE(account["costPerMonth"].is_null());
}

TEST(BillJson, ClientHasWhatTheBucketHoldsAndWhatItCosts) {
  engine::ClientAccount account;
  account.since_start = tally();
  account.requests_per_day = 12.5;
  account.cost_per_month = 0.75;
  account.holdings = engine::BucketHoldings{.objects = 5,
                                            .bytes = 600,
                                            .plan_objects = 2,
                                            .oldest_point = base::UnixMillis{1'700'000'000'000},
                                            .last_snapshot = {},
                                            .failure = "away",
                                            .failed_at = base::UnixMillis{1'700'000'001'000},
                                            .failing = true};
  const json record = json::parse(render_client(testing::make_client(1), {.url = "s3://b"}, account))["account"];
  EXPECT_EQ(record, (json{{"requests", 1443},
                          {"requestsByPurpose", {{"capture", {{"put", 1440}}}, {"retention", {{"delete", 3}}}}},
                          {"bytesSent", 12},
                          {"bytesReceived", 34},
                          {"requestsPerDay", 12.5},
                          {"costPerMonth", 0.75},
                          {"bucket",
                           {{"objects", 5},
                            {"bytes", 600},
                            {"planObjects", 2},
                            {"oldestPointAt", "2023-11-14T22:13:20Z"},
                            {"lastSnapshotAt", nullptr},
                            {"failure", "away"},
                            {"failedAt", "2023-11-14T22:13:21Z"},
                            {"failing", true}}}}));
}

TEST(BillJson, MetricsHaveFortySeriesOfRequestsWhateverTheFleet) {
  const std::string text = render_fleet_metrics(fleet_with_a_bill(), {.version = "1", .now = {}, .process = {}});
  for (const std::string_view line :
       {"litestream_manager_requests_total{purpose=\"capture\",kind=\"put\"} 1440\n",
        "litestream_manager_requests_total{purpose=\"retention\",kind=\"delete\"} 3\n",
        "litestream_manager_requests_total{purpose=\"recovery\",kind=\"list\"} 0\n",
        "litestream_manager_stored_objects 7\n", "litestream_manager_stored_bytes 8\n",
        "litestream_manager_month_cost 1.5\n", "litestream_manager_month_cost_projected 4.5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  std::size_t series = 0;
  for (std::size_t at = 0; (at = text.find("litestream_manager_requests_total{", at)) != std::string::npos; ++at) {
    ++series;
  }
  EXPECT_EQ(series, 40U);
}

}  // namespace
}  // namespace web
