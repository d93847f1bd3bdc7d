// What audits of the bucket found, as JSON for status_json.cpp. Only .cpp files include this.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/status.h"

namespace web {

// {"on", "dueAt", "running", "last"}; of an audit each finding is {"count", "first": [names]}.
nlohmann::ordered_json audit_record(const engine::AuditOverview& audit);

}  // namespace web
