// The fleet's changes as Server-Sent Events for open dashboards:
//
//   event: hello    data: {"fleetVersion": N}      first, and after each reconnect
//   event: change   data: render_change()          at most one in an interval, only if something changed
//   event: resync   data: {"fleetVersion": N}      the listener was too slow: fetch /api/status anew
//
// `id:` is the fleet's version.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/status.h"
#include "web/server/event_feed.h"
#include "web/status_json.h"

namespace web {

// Which clients differ. Snapshots share the records that did not change, so this compares pointers. Both are sorted by
// id; the result's views live as long as both snapshots.
FleetChange compare(const engine::FleetStatus& before, const engine::FleetStatus& after);

class FleetFeed final : public EventFeed {
 public:
  // `source` outlives the feed.
  explicit FleetFeed(const engine::StatusSource& source) : source_(source) {}

  void start() override;
  void stop() override { sent_.reset(); }
  std::string hello() override;
  std::optional<std::string> poll() override;
  std::string resync() override;

 private:
  const engine::StatusSource& source_;
  std::shared_ptr<const engine::FleetStatus> sent_;  // what listeners know; null while nobody listens
};

}  // namespace web
