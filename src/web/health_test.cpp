#include "web/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/testing/fake_fleet.h"

namespace web {
namespace {

using engine::ClientState;

TEST(Health, DependsOnTheFleetNotOnOneTenant) {
  struct Case {
    std::vector<ClientState> states;
    bool watched, healthy;
  };
  for (const Case& c :
       {Case{{}, true, true}, Case{{ClientState::live}, true, true}, Case{{}, false, false},
        Case{{ClientState::live}, false, false}, Case{{ClientState::failing, ClientState::live}, true, true},
        Case{{ClientState::failing, ClientState::failing}, true, false},
        Case{{ClientState::failing, ClientState::removed, ClientState::waiting}, true, false},
        Case{{ClientState::conflict, ClientState::blocked}, true, true}}) {
    auto fleet = testing::make_fleet(0);
    fleet.watch_dirs.front() = {.path = "/data", .ok = c.watched, .detail = "it is gone"};
    for (const ClientState state : c.states) {
      fleet.clients.push_back(testing::share(testing::make_client(fleet.clients.size(), state)));
    }
    EXPECT_EQ(find_health_problems(fleet).empty(), c.healthy) << c.states.size() << " clients, watched " << c.watched;
  }
}

TEST(Health, ReasonsNameDirectoryAndNumbers) {
  auto fleet = testing::make_fleet(0);
  fleet.watch_dirs.front() = {.path = "/data", .ok = false, .detail = "it is gone"};
  fleet.clients.push_back(testing::share(testing::make_client(1, ClientState::failing)));
  EXPECT_THAT(find_health_problems(fleet), ::testing::ElementsAre("watch directory /data: it is gone",
                                                                  "the store refuses or is away for all 1 clients"));
}

}  // namespace
}  // namespace web
