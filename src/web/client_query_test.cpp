#include "web/client_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using engine::ClientState;
using testing::client_id;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_client;
using testing::share;

engine::FleetStatus mixed_fleet() {
  engine::FleetStatus fleet = testing::make_fleet(0);
  const auto add = [&fleet](std::uint64_t number, ClientState state, std::uint64_t bytes, std::uint64_t txid,
                            std::optional<base::UnixMillis> replicated, std::string path) {
    engine::ClientStatus client = make_client(number, state);
    client.database_bytes = bytes;
    client.txid = txid;
    client.last_replicated = replicated;
    client.database_path = std::move(path);
    fleet.clients.push_back(share(std::move(client)));
  };
  add(1, ClientState::idle, 300, 5, base::UnixMillis{900}, "/srv/c.db");
  add(2, ClientState::failing, 100, 7, std::nullopt, "/srv/Tenant-A.db");
  add(3, ClientState::removed, 500, 1, base::UnixMillis{100}, "/srv/b.db");
  add(4, ClientState::live, 100, 9, base::UnixMillis{950}, "/srv/a.db");
  add(5, ClientState::conflict, 200, 2, base::UnixMillis{500}, "/srv/d.db");
  return fleet;
}

std::vector<int> selected(const engine::FleetStatus& fleet, std::string_view query) {
  const auto parsed = parse_client_query(query);
  EXPECT_TRUE(parsed.has_value()) << query;
  std::vector<int> numbers;
  for (const auto* client : select_clients(fleet, *parsed).clients) numbers.push_back(client->client_id.back() - '0');
  return numbers;
}

TEST(ClientQuery, SelectsAndOrdersAsAsked) {
  const auto fleet = mixed_fleet();
  struct Case {
    std::string_view query;
    std::vector<int> expected;
  };
  for (const Case& c : {
           Case{"", {1, 2, 4, 5}},  // removed clients only where they are asked for
           Case{"state=removed", {3}},
           Case{"state=live,removed", {3, 4}},
           Case{"q=tenant-a", {2}},
           Case{"q=TENANT", {2}},
           Case{"q=%2Fsrv%2Fa", {4}},
           Case{"q=000000000005", {5}},
           Case{"q=nothing", {}},
           Case{"limit=2", {1, 2}},
           Case{"limit=2&offset=3", {5}},
           Case{"offset=99", {}},
           Case{"order=desc", {5, 4, 2, 1}},
           Case{"sort=path", {2, 4, 1, 5}},
           Case{"sort=size", {2, 4, 5, 1}},
           Case{"sort=size&order=desc", {1, 5, 2, 4}},
           Case{"sort=txid", {5, 1, 2, 4}},
           Case{"sort=lastReplicated&order=desc", {4, 1, 5, 2}},
           Case{"sort=state", {5, 2, 4, 1}},
           Case{"sort=attention", {5, 2, 1, 4}},
           Case{"sort=attention&limit=1&offset=1", {2}},
           Case{"unknown=1", {1, 2, 4, 5}},
       }) {
    EXPECT_EQ(selected(fleet, c.query), c.expected) << c.query;
  }
}

TEST(ClientQuery, MatchingCountsBeforeThePageIsCut) {
  const auto fleet = mixed_fleet();
  const auto selection = select_clients(fleet, parse_client_query("limit=1&offset=1").value());
  EXPECT_EQ(selection.matching, 4U);
  ASSERT_EQ(selection.clients.size(), 1U);
  EXPECT_EQ(selection.clients[0]->client_id, client_id(2));
}

TEST(ClientQuery, BrokenValuesAreInvalidAndSayWhatIsAllowed) {
  struct Case {
    std::string_view query, says;
  };
  for (const Case& c : {Case{"limit=0", "1 to 10000"}, Case{"limit=10001", "limit"}, Case{"limit=-1", "limit"},
                        Case{"limit=1x", "limit"}, Case{"limit=", "limit"}, Case{"offset=-1", "offset"},
                        Case{"state=sleeping", "sleeping"}, Case{"sort=colour", "attention"}, Case{"order=up", "desc"},
                        Case{"q=%zz", "%"}, Case{"q=%4", "%"}}) {
    const auto parsed = parse_client_query(c.query);
    ASSERT_FALSE(parsed.has_value()) << c.query;
    EXPECT_EQ(parsed.error().category, base::Category::invalid);
    EXPECT_THAT(parsed.error().message, HasSubstr(c.says)) << c.query;
  }
}

TEST(ClientQuery, EveryStateIsEitherActiveOrInactiveAndOnlyTroubleNeedsAttention) {
  struct Case {
    ClientState state;
    bool active, attention;
  };
  for (const Case& c : {Case{ClientState::discovered, false, false}, Case{ClientState::waiting, false, false},
                        Case{ClientState::imaging, true, false}, Case{ClientState::live, true, false},
                        Case{ClientState::idle, true, false}, Case{ClientState::paused, false, false},
                        Case{ClientState::blocked, false, true}, Case{ClientState::conflict, false, true},
                        Case{ClientState::failing, false, true}, Case{ClientState::removed, false, false}}) {
    EXPECT_EQ(is_active(c.state), c.active) << to_string(c.state);
    EXPECT_EQ(needs_attention(c.state), c.attention) << to_string(c.state);
  }
}

}  // namespace
}  // namespace web
