#include "web/fleet_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using engine::ClientState;
using ::testing::HasSubstr;
using ::testing::Not;

engine::FleetStatus sample_fleet() {
  auto fleet = testing::make_fleet(0);
  auto live = testing::make_client(1, ClientState::live);
  live.database_bytes = 4096;
  live.txid = 17;
  live.behind = true;
  live.last_replicated = base::UnixMillis{1'700'000'001'500};
  live.database_path = "/data/with \"quotes\".db";
  fleet.clients = {testing::share(live), testing::share(testing::make_client(2, ClientState::removed))};
  fleet.counters.commits = 12;
  fleet.counters.missed_events = 3;
  fleet.counters.upload_bytes = 99;
  fleet.requests.put = 5;
  fleet.requests.bytes_sent = 1234;
  fleet.pending_bytes = 77;
  return fleet;
}

std::string render(const engine::FleetStatus& fleet, ClientSeries series = ClientSeries::none) {
  return render_fleet_metrics(
      fleet,
      {.version = "1.2.3", .now = fleet.started + std::chrono::seconds(90), .process = {}, .client_series = series});
}

TEST(FleetMetrics, CountsWhatTheFleetDid) {
  const std::string text = render(sample_fleet());
  for (const std::string_view line :
       {"litestream_manager_build_info{version=\"1.2.3\"} 1\n", "litestream_manager_uptime_seconds 90\n",
        "litestream_manager_clients{state=\"live\"} 1\n", "litestream_manager_clients{state=\"removed\"} 1\n",
        "litestream_manager_clients{state=\"failing\"} 0\n", "litestream_manager_clients_behind 1\n",
        "litestream_manager_database_bytes 4096\n", "litestream_manager_pending_bytes 77\n",
        "litestream_manager_commits_total 12\n", "litestream_manager_missed_events_total 3\n",
        "litestream_manager_upload_bytes_total 99\n", "litestream_manager_watch_dir_ok{path=\"/data\"} 1\n",
        "litestream_replica_operation_total{replica_type=\"s3\",operation=\"PUT\"} 5\n",
        "litestream_replica_operation_bytes{replica_type=\"s3\",operation=\"PUT\"} 1234\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(FleetMetrics, SeriesPerClientOnlyOnRequestAndNotForRemovedOnes) {
  EXPECT_THAT(render(sample_fleet()), Not(HasSubstr("litestream_db_size")));
  const std::string text = render(sample_fleet(), ClientSeries::each);
  EXPECT_THAT(text, HasSubstr("litestream_db_size{db=\"/data/with \\\"quotes\\\".db\"} 4096\n"));
  EXPECT_THAT(text, HasSubstr("litestream_txid{db=\"/data/with \\\"quotes\\\".db\"} 17\n"));
  EXPECT_THAT(text,
              HasSubstr("_last_replicated_timestamp_seconds{db=\"/data/with \\\"quotes\\\".db\"} 1700000001.5\n"));
  EXPECT_THAT(text, Not(HasSubstr(testing::client_id(2))));
}

TEST(FleetMetrics, TellWhatOutagesCostAndWhoseBackupAnotherWriterContinues) {
  auto fleet = testing::make_fleet(0);
  auto early = testing::make_client(1);
  early.lost_points = {.count = 4, .since = base::UnixMillis{1'000}, .until = base::UnixMillis{2'000}};
  auto late = testing::make_client(2, ClientState::conflict);
  late.lost_points = {.count = 2, .since = base::UnixMillis{5'000}, .until = base::UnixMillis{7'500}};
  late.conflict = engine::Conflict{.key = "k", .txid = 1, .since = base::UnixMillis{9'000}};
  fleet.clients = {testing::share(early), testing::share(late)};
  fleet.counters.lost_points = 6;
  fleet.counters.takeovers = 1;
  const std::string text = render(fleet, ClientSeries::each);
  for (const std::string_view line :
       {"litestream_manager_lost_restore_points_total 6\n",
        "litestream_manager_lost_restore_points_timestamp_seconds{edge=\"since\"} 5\n",
        "litestream_manager_lost_restore_points_timestamp_seconds{edge=\"until\"} 7.5\n",
        "litestream_manager_takeovers_total 1\n", "litestream_manager_clients{state=\"conflict\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  const std::string first = "{db=\"/data/" + testing::client_id(1) + ".db\"} ";
  const std::string second = "{db=\"/data/" + testing::client_id(2) + ".db\"} ";
  EXPECT_THAT(text, HasSubstr("litestream_manager_client_lost_restore_points_total" + first + "4\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_client_conflict_since_timestamp_seconds" + first + "0\n"));
  EXPECT_THAT(text, HasSubstr("litestream_manager_client_conflict_since_timestamp_seconds" + second + "9\n"));
}

TEST(FleetMetrics, ReplicaTypeFollowsTheBucket) {
  auto fleet = sample_fleet();
  fleet.bucket = "file:///backups";
  EXPECT_THAT(render(fleet), HasSubstr("replica_type=\"file\",operation=\"PUT\"} 5\n"));
}

}  // namespace
}  // namespace web
