// The fleet as JSON. Field names carry units; fields are added, never given another meaning. `clientId`,
// `databasePath`, `s3Path`, `status` and `createdAt`, and at the root `bucket`, `watchDirs`, `totalClients`,
// `activeClients` and `uptime`, keep the form that scripts for earlier managers read: `status` is "active" or
// "inactive". `state` is our own word.
//
// Paths are any bytes: what is not UTF-8 is replaced by U+FFFD.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/status.h"
#include "web/client_query.h"

namespace web {

struct StatusContext {
  std::string_view version;  // of this program
  base::UnixMillis now{0};
};

// {"bucket": ..., "clients": [...], ...}; without `removed` clients in the totals.
std::string render_status(const engine::FleetStatus& fleet, const Selection& selection, const StatusContext& context);
// One client's record, with what it has in the bucket and what that costs.
std::string render_client(const engine::ClientStatus& client, const engine::StoreAddress& store,
                          const engine::ClientAccount& account);

// What changed since an earlier snapshot, for open dashboards: new totals and the changed clients, or {"more": true}
// instead of them when there are too many to send.
struct FleetChange {
  std::vector<const engine::ClientStatus*> changed;  // new ones too
  std::vector<std::string_view> gone;                // ids that the snapshot no longer has
};
std::string render_change(const engine::FleetStatus& fleet, const FleetChange& change);

// "3d 4h", "4h 5m", "5m".
std::string uptime_text(base::UnixMillis started, base::UnixMillis now);

}  // namespace web
