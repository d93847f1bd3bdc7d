#include "web/audit_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/fleet_metrics.h"
#include "web/status_json.h"
#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr base::UnixMillis kBegun{1'700'000'000'000};  // 2023-11-14T22:13:20Z

engine::FleetStatus audited_fleet() {
  engine::FleetStatus fleet = testing::make_fleet(2);
  engine::AuditStatus last;
  last.begun = kBegun;
  last.ended = kBegun + std::chrono::seconds(9);
  last.clients = 3;
  last.objects = 40;
  last.bytes = 5000;
  last.different.add("a");
  last.broken.add("a");
  last.mending.add("a");
  last.lost_points = 7;
  last.losses.add("a: 7 from TXID 1 to TXID 7");
  for (int i = 0; i < 12; ++i) last.foreign.add("databases/x" + std::to_string(i));
  last.gone.add("b");
  fleet.audit = {.on = true, .due = last.ended, .running = {}, .last = last};
  return fleet;
}

TEST(AuditJson, TheStatusAndEachChangeSayWhatTheLastAuditFound) {
  const engine::FleetStatus fleet = audited_fleet();
  const json whole = json::parse(render_status(fleet, select_clients(fleet, {}), {}))["audit"];
  EXPECT_EQ(json::parse(render_change(fleet, {}))["audit"], whole);
  EXPECT_EQ(whole["on"], true);
  EXPECT_EQ(whole["dueAt"], "2023-11-14T22:13:29Z");
  EXPECT_TRUE(whole["running"].is_null());
  const json& last = whole["last"];
  EXPECT_EQ(last["begunAt"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(last["ok"], false);
  EXPECT_EQ(last["clients"], 3);
  EXPECT_EQ(last["broken"], json({{"count", 1}, {"first", {"a"}}}));
  EXPECT_EQ(last["lostRestorePoints"], 7);
  EXPECT_EQ(last["foreign"]["count"], 12);
  EXPECT_EQ(last["foreign"]["first"].size(), engine::NamedCount::kNamed) << "the first of them";
  EXPECT_EQ(last["lost"], json({{"count", 0}, {"first", json::array()}}));
}

TEST(AuditJson, BackupsThatNobodyHasADatabaseForAreNoFault) {
  engine::FleetStatus fleet = testing::make_fleet(1);
  engine::AuditStatus running;
  running.unknown.add("c");
  running.foreign.add("databases/notes");
  fleet.audit = {.on = true, .due = {}, .running = running, .last = {}};
  const json audit = audit_record(fleet.audit);
  EXPECT_EQ(audit["running"]["ok"], true);
  EXPECT_TRUE(audit["dueAt"].is_null() && audit["last"].is_null());
}

TEST(AuditMetrics, TellFindingsByKindAndWhen) {
  const std::string text = render_fleet_metrics(audited_fleet(), {});
  EXPECT_THAT(text, HasSubstr("litestream_manager_audit_timestamp_seconds 1700000009\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_audit_findings{kind=\"broken\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_audit_findings{kind=\"foreign\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_audit_findings{kind=\"unknown\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_audit_lost_restore_points 7\n"));
  EXPECT_THAT(render_fleet_metrics(testing::make_fleet(1), {}),
              HasSubstr("litestream_manager_audit_timestamp_seconds 0\n"));
}

}  // namespace
}  // namespace web
