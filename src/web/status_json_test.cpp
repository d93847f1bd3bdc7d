#include "web/status_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using engine::ClientState;
using nlohmann::json;
using testing::make_client;
using testing::share;
using namespace std::chrono_literals;

constexpr base::UnixMillis kStarted{1'700'000'000'000};  // 2023-11-14T22:13:20Z

json status_of(const engine::FleetStatus& fleet, base::UnixMillis now = kStarted) {
  return json::parse(render_status(fleet, select_clients(fleet, {}), {.version = "1.2.3", .now = now}));
}

TEST(StatusJson, RootHasWhatScriptsForEarlierManagersRead) {
  auto fleet = testing::make_fleet(2);
  fleet.watch_dirs.push_back({.path = "/more", .ok = false, .detail = "gone"});
  const json root = status_of(fleet, kStarted + 125min);
  EXPECT_EQ(root["bucket"], "backups");
  EXPECT_EQ(root["watchDirs"], json({"/data", "/more"}));
  EXPECT_EQ(root["totalClients"], 2);
  EXPECT_EQ(root["activeClients"], 2);
  EXPECT_EQ(root["uptime"], "2h 5m");
  EXPECT_EQ(root["clients"].size(), 2U);
}

TEST(StatusJson, RootHasOurOwnFields) {
  auto fleet = testing::make_fleet(1);
  fleet.version = 42;
  fleet.pending_bytes = 7;
  fleet.notices = {"look here"};
  fleet.counters.missed_events = 3;
  fleet.requests.put = 11;
  fleet.requests.remove = 2;
  fleet.watch_dirs = {{.path = "/data", .ok = false, .detail = "gone"}};
  const json root = status_of(fleet);
  EXPECT_EQ(root["version"], "1.2.3");
  EXPECT_EQ(root["fleetVersion"], 42);
  EXPECT_EQ(root["startedAt"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(root["pendingBytes"], 7);
  EXPECT_EQ(root["notices"], json({"look here"}));
  EXPECT_EQ(root["counters"]["missedEvents"], 3);
  EXPECT_EQ(root["requests"]["put"], 11);
  EXPECT_EQ(root["requests"]["delete"], 2);
  EXPECT_EQ(root["watchDirStates"][0], json({{"path", "/data"}, {"ok", false}, {"detail", "gone"}}));
}

TEST(StatusJson, ClientRecordIsComplete) {
  auto client = make_client(1, ClientState::failing);
  client.detail = "the store is away";
  client.database_bytes = 8192;
  client.txid = 43;
  client.last_replicated = kStarted + 1500ms;
  client.next_attempt = kStarted + 9s;
  client.behind = true;
  client.commits = 4;
  client.uploads = 5;
  client.upload_bytes = 6;
  client.diffs = 1;
  client.journal_mode = "wal";
  client.lost_points = {.count = 9, .since = kStarted, .until = kStarted + 8s};
  client.verification = engine::VerificationStatus{.verdict = "failure",
                                                   .at = kStarted + 10s,
                                                   .duration = 1250ms,
                                                   .txid = 42,
                                                   .source_equal = false,
                                                   .object = "some/key",
                                                   .text = "is missing"};
  const std::string id = testing::client_id(1);
  json record = json::parse(render_client(client, {.url = "s3://bucket/eu", .region = "eu-central-1"}, {}));
  EXPECT_TRUE(record["account"].is_object()) << "bill_json_test.cpp";
  record.erase("account");
  EXPECT_EQ(record, json({{"clientId", id},
                          {"databasePath", "/data/" + id + ".db"},
                          {"s3Path", "databases/" + id},
                          {"status", "inactive"},
                          {"createdAt", "2023-11-14T22:13:20Z"},
                          {"state", "failing"},
                          {"detail", "the store is away"},
                          {"conflict", nullptr},
                          {"databaseBytes", 8192},
                          {"txid", 43},
                          {"txidHex", "000000000000002b"},
                          {"lastReplicatedAt", "2023-11-14T22:13:21.5Z"},
                          {"nextAttemptAt", "2023-11-14T22:13:29Z"},
                          {"behind", true},
                          {"commits", 4},
                          {"uploads", 5},
                          {"uploadBytes", 6},
                          {"diffs", 1},
                          {"lostRestorePoints", 9},
                          {"lostSince", "2023-11-14T22:13:20Z"},
                          {"lostUntil", "2023-11-14T22:13:28Z"},
                          {"journalMode", "wal"},
                          {"verification",
                           {{"verdict", "failure"},
                            {"at", "2023-11-14T22:13:30Z"},
                            {"seconds", 1.25},
                            {"txid", 42},
                            {"sourceEqual", false},
                            {"object", "some/key"},
                            {"text", "is missing"}}},
                          {"replicaUrl", "s3://bucket/eu/databases/" + id},
                          {"restoreCommand", "litestream-manager restore -o " + id + ".db s3://bucket/eu/databases/" +
                                                 id + " -region eu-central-1"},
                          {"litestreamCommand", "litestream restore -o " + id + ".db 's3://bucket/eu/databases/" + id +
                                                    "?region=eu-central-1'"}}));
}

TEST(StatusJson, AConflictSaysWhoAndSinceWhen) {
  auto client = make_client(1, ClientState::conflict);
  client.conflict = engine::Conflict{.writer = engine::ForeignWriter::manager,
                                     .lineage = 0xabc,
                                     .key = "databases/x/0000/1-1.ltx",
                                     .txid = 17,
                                     .since = kStarted,
                                     .noticed = kStarted + 60s};
  EXPECT_EQ(json::parse(render_client(client, {.url = "s3://b"}, {}))["conflict"],
            json({{"writer", "manager"},
                  {"lineage", "0000000000000abc"},
                  {"key", "databases/x/0000/1-1.ltx"},
                  {"txid", 17},
                  {"since", "2023-11-14T22:13:20Z"},
                  {"noticedAt", "2023-11-14T22:14:20Z"}}));
  client.conflict = engine::Conflict{.key = "k", .txid = 2, .since = {}, .noticed = kStarted};
  const json unreadable = json::parse(render_client(client, {.url = "s3://b"}, {}))["conflict"];
  EXPECT_EQ(unreadable["writer"], "unreadable");
  EXPECT_TRUE(unreadable["lineage"].is_null());
  EXPECT_TRUE(unreadable["since"].is_null());
}

TEST(StatusJson, WhatNeverHappenedIsNull) {
  const json record = json::parse(render_client(make_client(1, ClientState::waiting), {.url = "s3://b"}, {}));
  EXPECT_TRUE(record["lastReplicatedAt"].is_null());
  EXPECT_TRUE(record["nextAttemptAt"].is_null());
  EXPECT_TRUE(record["verification"].is_null());
  EXPECT_TRUE(record["lostSince"].is_null());
  EXPECT_TRUE(record["lostUntil"].is_null());
  EXPECT_EQ(record["txidHex"], "0000000000000000");
}

TEST(StatusJson, RemovedClientsAreCountedBesideTheTotals) {
  auto fleet = testing::make_fleet(0);
  for (const ClientState state :
       {ClientState::live, ClientState::removed, ClientState::removed, ClientState::blocked}) {
    fleet.clients.push_back(share(make_client(fleet.clients.size() + 1, state)));
  }
  const json root = status_of(fleet);
  EXPECT_EQ(root["totalClients"], 2);
  EXPECT_EQ(root["activeClients"], 1);
  EXPECT_EQ(root["matchingClients"], 2);
  EXPECT_EQ(root["states"]["removed"], 2);
  EXPECT_EQ(root["states"]["live"], 1);
  EXPECT_EQ(root["states"]["failing"], 0);
  EXPECT_EQ(root["states"].size(), kClientStates);
}

TEST(StatusJson, HostilePathsStayText) {
  auto client = make_client(1);
  for (const auto& [raw, read] : std::vector<std::pair<std::string, std::string>>{
           {"/d/\"quote\\\n</script>.db", "/d/\"quote\\\n</script>.db"},
           {"/d/not-utf8-\xff.db", "/d/not-utf8-\xef\xbf\xbd.db"},
           {std::string("/d/nul-\0.db", 11), std::string("/d/nul-\0.db", 11)}}) {
    client.database_path = raw;
    EXPECT_EQ(json::parse(render_client(client, {.url = "s3://b"}, {}))["databasePath"], read);
  }
}

TEST(StatusJson, ChangeCarriesTotalsAndChangedClients) {
  auto fleet = testing::make_fleet(3);
  fleet.version = 9;
  const json change = json::parse(render_change(fleet, {.changed = {fleet.clients[1].get()}, .gone = {"lost"}}));
  EXPECT_EQ(change["fleetVersion"], 9);
  EXPECT_EQ(change["totalClients"], 3);
  EXPECT_EQ(change["more"], false);
  ASSERT_EQ(change["clients"].size(), 1U);
  EXPECT_EQ(change["clients"][0]["clientId"], testing::client_id(2));
  EXPECT_EQ(change["gone"], json({"lost"}));
}

TEST(StatusJson, ALargeChangeIsAnnouncedNotSent) {
  const auto fleet = testing::make_fleet(5000);
  FleetChange change;
  for (const auto& client : fleet.clients) change.changed.push_back(client.get());
  const std::string text = render_change(fleet, change);
  EXPECT_EQ(json::parse(text)["more"], true);
  EXPECT_LT(text.size(), 4096U);
}

TEST(UptimeText, UsesTheTwoLargestUnits) {
  struct Case {
    base::UnixMillis elapsed;
    std::string_view text;
  };
  for (const Case& c :
       {Case{0ms, "0m"}, Case{59s, "0m"}, Case{60s, "1m"}, Case{59min, "59m"}, Case{60min, "1h 0m"},
        Case{23h + 59min, "23h 59m"}, Case{24h, "1d 0h"}, Case{100h + 30min, "4d 4h"}, Case{-5s, "0m"}}) {
    EXPECT_EQ(uptime_text(kStarted, kStarted + c.elapsed), c.text);
  }
}

}  // namespace
}  // namespace web
