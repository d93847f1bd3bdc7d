// What the state database keeps of the daemon's audits: what the last one found, and how far the one under way has
// come. As text for Ledger::remember().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/status.h"

namespace engine {

// An audit that goes on after a restart: what comes before these two is accounted for.
struct AuditProgress {
  AuditStatus found;
  std::string key;     // of the bucket, by the walk
  std::string client;  // id of a client that the state knows
};

std::string to_text(const AuditProgress& progress);
// none: it was not written by to_text(), or by a version whose numbers this one does not know.
std::optional<AuditProgress> parse_audit_progress(std::string_view text);

}  // namespace engine
