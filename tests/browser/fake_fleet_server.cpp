// The real web server over a scripted fleet, for browser tests of what a daemon does not show on demand: ten thousand
// clients, every state, hostile paths. Takes a port (0: any), prints `dashboard address=URL`, then obeys one command a
// line on standard input:
//
//   clients N                   a fleet of N idle clients
//   set N STATE BYTES TXID      client N gets this state, size and TXID, replicated now
//   path N TEXT                 the path of client N
//   detail N TEXT               its explanation
//   conflict N LINEAGE SECONDS  another Manager continues its backup, for so long
//   lost N COUNT                an outage cost so many restore points
//   account N OBJECTS BYTES     what the bucket holds for client N, and what it has asked for
//   upkeep N TEXT               a merge of client N failed
//   bill PRICED CENTS           what the fleet costs this month
//   audit FOREIGN LOST          an audit found so many foreign objects, and a client without so many restore points
//   remove N                    client N is no longer in the snapshot
//   notice TEXT                 a notice for the operator
//   lose DETAIL                 the watch directory is lost
//
// It answers each with `ok` once the change is published, and ends at end of input.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "base/clock.h"
#include "web/testing/fake_fleet.h"
#include "web/web_server.h"

namespace {

using engine::ClientState;
using engine::ClientStatus;
using engine::FleetStatus;

ClientState parse_state(const std::string& word) {
  for (int i = 0; i <= static_cast<int>(ClientState::removed); ++i) {
    if (to_string(static_cast<ClientState>(i)) == word) return static_cast<ClientState>(i);
  }
  return ClientState::discovered;
}

void set_clients(FleetStatus& fleet, std::uint64_t count) {
  fleet.clients.clear();
  const base::UnixMillis now = base::system_clock().unix_now();
  for (std::uint64_t number = 1; number <= count; ++number) {
    ClientStatus client = web::testing::make_client(number, ClientState::idle);
    client.database_bytes = 4096 * (number % 5000 + 1);
    client.txid = number % 911 + 1;
    client.last_replicated = now - std::chrono::seconds(number * 37 % 90'000);
    client.commits = number % 50;
    client.journal_mode = "wal";
    fleet.clients.push_back(web::testing::share(std::move(client)));
  }
}

// Calls change(ClientStatus&) with client `number`, which is added if the fleet lacks it.
template <typename Change>
void change_client(FleetStatus& fleet, std::uint64_t number, Change change) {
  const std::string id = web::testing::client_id(number);
  for (auto& shared : fleet.clients) {
    if (shared->client_id != id) continue;
    ClientStatus client = *shared;
    change(client);
    shared = web::testing::share(std::move(client));
    return;
  }
  ClientStatus client = web::testing::make_client(number);
  change(client);
  fleet.clients.push_back(web::testing::share(std::move(client)));
}

std::string rest_of(std::istringstream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

void set_client(ClientStatus& client, std::istringstream& words) {
  std::string state;
  words >> state >> client.database_bytes >> client.txid;
  client.state = parse_state(state);
  client.last_replicated = base::system_clock().unix_now();
}

void set_conflict(ClientStatus& client, std::istringstream& words) {
  engine::Conflict conflict;
  std::int64_t seconds = 0;
  words >> std::hex >> conflict.lineage >> std::dec >> seconds;
  const base::UnixMillis now = base::system_clock().unix_now();
  conflict.writer = engine::ForeignWriter::manager;
  conflict.key = client.replica_path + "/0000/000000000000002b-000000000000002b.ltx";
  conflict.txid = 43;
  conflict.since = now - std::chrono::seconds(seconds);
  conflict.noticed = now;
  client.state = ClientState::conflict;
  client.conflict = conflict;
}

void set_lost_points(ClientStatus& client, std::istringstream& words) {
  const base::UnixMillis now = base::system_clock().unix_now();
  client.lost_points = {.count = 0, .since = now - std::chrono::seconds(600), .until = now - std::chrono::seconds(60)};
  words >> client.lost_points.count;
}

engine::ClientAccount account_of(std::istringstream& words) {
  const base::UnixMillis now = base::system_clock().unix_now();
  engine::ClientAccount account;
  engine::BucketHoldings holdings;
  words >> holdings.objects >> holdings.bytes;
  holdings.plan_objects = 23;
  holdings.oldest_point = now - std::chrono::days(40);
  holdings.last_snapshot = now - std::chrono::hours(5);
  account.holdings = holdings;
  account.since_start.requests[0][0] = 1440;
  account.since_start.requests[1][0] = 170;
  account.requests_per_day = 1610.4;
  account.cost_per_month = 0.2416;
  return account;
}

void set_bill(FleetStatus& fleet, bool priced, double dollars) {
  fleet.bill.priced = priced;
  fleet.bill.since_start.requests[0][0] = fleet.bill.this_month.requests[0][0] = 1'234'567;
  fleet.bill.requests_per_day = 345'678.9;
  fleet.bill.month_cost = dollars;
  fleet.bill.month_storage_cost = dollars / 4;
  fleet.bill.month_cost_projected = dollars * 3;
  fleet.bill.month_counted_from = base::UnixMillis{1'700'000'000'000};
  fleet.bill.stored_objects = 98'765;
  fleet.bill.stored_bytes = 43ULL << 30;
}

void set_audit(FleetStatus& fleet, std::uint64_t foreign, std::uint64_t lost_points) {
  engine::AuditStatus found;
  found.begun = base::system_clock().unix_now() - std::chrono::hours(3);
  found.ended = found.begun + std::chrono::minutes(1);
  for (std::uint64_t i = 0; i < foreign; ++i) found.foreign.add(fmt::format("databases/<b>{}", i));
  found.lost_points = lost_points;
  if (lost_points > 0) found.losses.add(web::testing::client_id(1) + ": some");
  fleet.audit = {.on = true, .due = {}, .running = {}, .last = std::move(found)};
}

// What is not part of the fleet's snapshot; false: something else was asked.
bool obey_about_account(web::testing::FakeStatusSource& source, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  std::uint64_t number = 0;
  words >> command >> number;
  const std::string id = web::testing::client_id(number);
  if (command == "account") {
    source.set_account(id, account_of(words));
  } else if (command == "upkeep") {
    engine::ClientAccount account = source.account(id);
    account.holdings.emplace(account.holdings.value_or(engine::BucketHoldings{}));
    account.holdings->failing = true;
    account.holdings->failure = rest_of(words);
    account.holdings->failed_at = base::system_clock().unix_now();
    source.set_account(id, std::move(account));
  } else {
    return false;
  }
  return true;
}

void obey(FleetStatus& fleet, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  std::uint64_t number = 0;
  words >> command;
  if (command == "notice") {
    fleet.notices.push_back(rest_of(words));
  } else if (command == "lose") {
    fleet.watch_dirs.front().ok = false;
    fleet.watch_dirs.front().detail = rest_of(words);
  } else if (!(words >> number)) {
    return;
  } else if (command == "bill") {
    double cents = 0;
    words >> cents;
    set_bill(fleet, number != 0, cents / 100);
  } else if (command == "audit") {
    std::uint64_t lost_points = 0;
    words >> lost_points;
    set_audit(fleet, number, lost_points);
  } else if (command == "clients") {
    set_clients(fleet, number);
  } else if (command == "remove") {
    std::erase_if(fleet.clients, [id = web::testing::client_id(number)](const auto& c) { return c->client_id == id; });
  } else {
    change_client(fleet, number, [&](ClientStatus& client) {
      if (command == "set") set_client(client, words);
      if (command == "path") client.database_path = rest_of(words);
      if (command == "detail") client.detail = rest_of(words);
      if (command == "conflict") set_conflict(client, words);
      if (command == "lost") set_lost_points(client, words);
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string port = argc > 1 ? argv[1] : "0";
  web::testing::FakeStatusSource source;
  source.edit([](FleetStatus& fleet) {
    fleet = web::testing::make_fleet(0);
    fleet.started = base::system_clock().unix_now();
  });
  const auto server = web::WebServer::start(
      source,
      {.bind = "127.0.0.1", .port = static_cast<std::uint16_t>(std::stoi(port)), .version = "test", .limits = {}});
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().message);
    return 1;
  }
  fmt::print("dashboard address={}\n", (*server)->url());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    if (!obey_about_account(source, line)) {
      source.edit([&line](FleetStatus& fleet) { obey(fleet, line); });
    }
    fmt::print("ok\n");
    std::fflush(stdout);
  }
  return 0;
}
