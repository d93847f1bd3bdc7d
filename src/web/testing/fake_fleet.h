// A fleet for tests: a StatusSource that shows what a test publishes, and clients made with one line.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/guarded.h"
#include "engine/status.h"

namespace web::testing {

// Thread safe, as the contract asks.
class FakeStatusSource final : public engine::StatusSource {
 public:
  FakeStatusSource() { publish({}); }

  [[nodiscard]] std::shared_ptr<const engine::FleetStatus> fleet() const override {
    return fleet_.with([](const auto& fleet) { return fleet; });
  }
  [[nodiscard]] std::uint64_t version() const override { return fleet()->version; }
  [[nodiscard]] engine::ClientAccount account(std::string_view client_id) const override {
    return accounts_.with([&](const auto& accounts) {
      const auto found = accounts.find(client_id);
      return found == accounts.end() ? engine::ClientAccount{} : found->second;
    });
  }
  void set_account(const std::string& client_id, engine::ClientAccount account) {
    accounts_.with([&](auto& accounts) { accounts[client_id] = std::move(account); });
  }

  // Shows `next` from now on, with clients sorted and the version grown.
  void publish(engine::FleetStatus next) {
    std::ranges::sort(next.clients, {}, [](const auto& client) -> const std::string& { return client->client_id; });
    fleet_.with([&next](auto& fleet) {
      next.version = fleet ? fleet->version + 1 : 1;
      fleet = std::make_shared<const engine::FleetStatus>(std::move(next));
    });
  }

  // Publishes a changed copy: change(FleetStatus&).
  template <typename Change>
  void edit(Change change) {
    engine::FleetStatus next = *fleet();
    change(next);
    publish(std::move(next));
  }

 private:
  base::Guarded<std::shared_ptr<const engine::FleetStatus>> fleet_;
  base::Guarded<std::map<std::string, engine::ClientAccount, std::less<>>> accounts_;
};

// "00000000-0000-4000-8000-00000000002a" for 42.
inline std::string client_id(std::uint64_t number) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

inline engine::ClientStatus make_client(std::uint64_t number, engine::ClientState state = engine::ClientState::live) {
  engine::ClientStatus client;
  client.client_id = client_id(number);
  client.database_path = "/data/" + client.client_id + ".db";
  client.replica_path = "databases/" + client.client_id;
  client.state = state;
  client.created = base::UnixMillis{1'700'000'000'000};
  return client;
}

inline std::shared_ptr<const engine::ClientStatus> share(engine::ClientStatus client) {
  return std::make_shared<const engine::ClientStatus>(std::move(client));
}

inline engine::FleetStatus make_fleet(std::uint64_t clients) {
  engine::FleetStatus fleet;
  fleet.bucket = "backups";
  fleet.store.url = "s3://backups";
  fleet.watch_dirs = {{.path = "/data", .ok = true, .detail = ""}};
  fleet.started = base::UnixMillis{1'700'000'000'000};
  for (std::uint64_t number = 1; number <= clients; ++number) fleet.clients.push_back(share(make_client(number)));
  return fleet;
}

}  // namespace web::testing
