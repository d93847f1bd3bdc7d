// Is this daemon doing its work? For load balancers and supervisors: the answer changes only for what restarting,
// remounting or a person can mend, not for one tenant's trouble.
#pragma once

#include <string>
#include <vector>

#include "engine/status.h"

namespace web {

// Reasons why not; empty: healthy. A watch directory is lost, or no client that should be backed up gets through to
// the store.
std::vector<std::string> find_health_problems(const engine::FleetStatus& fleet);

}  // namespace web
