#include "web/audit_json.h"

#include <optional>

namespace web {

using Json = nlohmann::ordered_json;

namespace {

Json of_time(const std::optional<base::UnixMillis>& time) {
  return time ? Json(base::to_rfc3339(*time)) : Json();
}

Json of_names(const engine::NamedCount& names) {
  return Json{{"count", names.count}, {"first", names.first}};
}

Json of_audit(const std::optional<engine::AuditStatus>& audit) {
  if (!audit) return {};
  return Json{{"begunAt", base::to_rfc3339(audit->begun)},
              {"endedAt", of_time(audit->ended)},
              {"ok", !audit->is_bad()},
              {"clients", audit->clients},
              {"objects", audit->objects},
              {"bytes", audit->bytes},
              {"different", of_names(audit->different)},
              {"broken", of_names(audit->broken)},
              {"lost", of_names(audit->lost)},
              {"mending", of_names(audit->mending)},
              {"lostRestorePoints", audit->lost_points},
              {"losses", of_names(audit->losses)},
              {"gone", of_names(audit->gone)},
              {"unknown", of_names(audit->unknown)},
              {"foreign", of_names(audit->foreign)},
              {"unstored", of_names(audit->unstored)}};
}

}  // namespace

Json audit_record(const engine::AuditOverview& audit) {
  return Json{{"on", audit.on},
              {"dueAt", of_time(audit.due)},
              {"running", of_audit(audit.running)},
              {"last", of_audit(audit.last)}};
}

}  // namespace web
