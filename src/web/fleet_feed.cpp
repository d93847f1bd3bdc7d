#include "web/fleet_feed.h"

#include <fmt/format.h>

#include "base/check.h"

namespace web {

namespace {

// How long a browser waits before it connects again.
constexpr int kReconnectMillis = 1'500;

std::string version_only(std::uint64_t version) {
  return fmt::format("{{\"fleetVersion\":{}}}", version);
}

}  // namespace

FleetChange compare(const engine::FleetStatus& before, const engine::FleetStatus& after) {
  FleetChange change;
  auto old_client = before.clients.begin();
  for (const auto& client : after.clients) {
    while (old_client != before.clients.end() && (*old_client)->client_id < client->client_id) {
      change.gone.push_back((*old_client)->client_id);
      ++old_client;
    }
    const bool known = old_client != before.clients.end() && (*old_client)->client_id == client->client_id;
    if (!known || *old_client != client) change.changed.push_back(client.get());
    if (known) ++old_client;
  }
  for (; old_client != before.clients.end(); ++old_client) change.gone.push_back((*old_client)->client_id);
  return change;
}

void FleetFeed::start() {
  sent_ = source_.fleet();
}

std::string FleetFeed::hello() {
  CHECK(sent_ != nullptr);
  return fmt::format("retry: {}\nid: {}\nevent: hello\ndata: {}\n\n", kReconnectMillis, sent_->version,
                     version_only(sent_->version));
}

std::optional<std::string> FleetFeed::poll() {
  CHECK(sent_ != nullptr);
  if (source_.version() == sent_->version) return std::nullopt;
  auto now = source_.fleet();
  const std::string data = render_change(*now, compare(*sent_, *now));
  sent_ = std::move(now);
  return fmt::format("id: {}\nevent: change\ndata: {}\n\n", sent_->version, data);
}

std::string FleetFeed::resync() {
  CHECK(sent_ != nullptr);
  return fmt::format("id: {}\nevent: resync\ndata: {}\n\n", sent_->version, version_only(sent_->version));
}

}  // namespace web
