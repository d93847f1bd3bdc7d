#include "web/fleet_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using nlohmann::json;
using testing::client_id;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_client;
using testing::share;

json data_of(const std::string& frame) {
  const std::size_t begin = frame.find("data: ") + 6;
  return json::parse(frame.substr(begin, frame.find('\n', begin) - begin));
}

TEST(CompareFleets, TellsNewChangedAndGoneApartFromUnchanged) {
  const auto before = testing::make_fleet(4);
  auto after = before;
  after.clients.erase(after.clients.begin());                              // 1 is gone
  after.clients[1] = share(make_client(3, engine::ClientState::failing));  // 3 changed
  after.clients.push_back(share(make_client(9)));                          // 9 is new
  const FleetChange change = compare(before, after);
  EXPECT_THAT(change.gone, ElementsAre(client_id(1)));
  EXPECT_THAT(change.changed, ElementsAre(after.clients[1].get(), after.clients[3].get()));
}

TEST(CompareFleets, EverythingGoneAndEverythingNew) {
  const auto none = testing::make_fleet(0);
  const auto two = testing::make_fleet(2);
  EXPECT_THAT(compare(two, none).gone, ElementsAre(client_id(1), client_id(2)));
  EXPECT_EQ(compare(none, two).changed.size(), 2U);
  EXPECT_THAT(compare(two, two).changed, IsEmpty());
}

TEST(FleetFeed, SaysNothingWhileNothingChanges) {
  testing::FakeStatusSource source;
  FleetFeed feed(source);
  feed.start();
  EXPECT_EQ(feed.poll(), std::nullopt);
  source.publish(testing::make_fleet(1));
  EXPECT_NE(feed.poll(), std::nullopt);
  EXPECT_EQ(feed.poll(), std::nullopt);
}

TEST(FleetFeed, ManyChangesBetweenTwoPollsBecomeOneFrame) {
  testing::FakeStatusSource source;
  source.publish(testing::make_fleet(3));
  FleetFeed feed(source);
  feed.start();
  for (std::uint64_t txid = 1; txid <= 5; ++txid) {
    source.edit([txid](engine::FleetStatus& fleet) {
      auto client = make_client(2);
      client.txid = txid;
      fleet.clients[1] = share(client);
    });
  }
  const auto frame = feed.poll();
  ASSERT_TRUE(frame.has_value());
  const json change = data_of(*frame);
  ASSERT_EQ(change["clients"].size(), 1U);
  EXPECT_EQ(change["clients"][0]["txid"], 5);
  EXPECT_EQ(change["fleetVersion"], source.version());
}

TEST(FleetFeed, FramesAreWellFormedEvents) {
  testing::FakeStatusSource source;
  FleetFeed feed(source);
  feed.start();
  source.publish(testing::make_fleet(1));
  for (const auto& [frame, name] :
       {std::pair{feed.hello(), "hello"}, {*feed.poll(), "change"}, {feed.resync(), "resync"}}) {
    EXPECT_THAT(frame, HasSubstr("event: " + std::string(name) + "\ndata: {"));
    EXPECT_TRUE(frame.ends_with("}\n\n"));
    EXPECT_EQ(frame.find("\n\n"), frame.size() - 2);
  }
}

TEST(FleetFeed, AfterAPauseOnlyLaterChangesAreTold) {
  testing::FakeStatusSource source;
  FleetFeed feed(source);
  feed.start();
  feed.stop();
  source.publish(testing::make_fleet(100));
  feed.start();
  EXPECT_EQ(feed.poll(), std::nullopt);
  EXPECT_EQ(data_of(feed.hello())["fleetVersion"], source.version());
}

}  // namespace
}  // namespace web
