#include "cli/audit_command.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/audit_report.h"
#include "cli/local_clients.h"
#include "cli/open_store.h"
#include "engine/bucket_walk.h"
#include "engine/client_audit.h"
#include "engine/ledger_view.h"
#include "engine/offline_state.h"
#include "os/file_lock.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;
using engine::ClientPrefix;
using engine::ClientVerdict;

struct Run {
  LocalClients local;
  engine::ClientAuditor auditor;
  std::set<std::string> seen = {};  // ids of the bucket
  AuditReport report = {};
};

AuditReport::Prefix summary(const ClientPrefix& client) {
  AuditReport::Prefix prefix{client.id.value, client.objects(), client.size_bytes(), {}};
  for (const auto& file : client.files) prefix.newest = std::max(prefix.newest, file.created_at);
  for (const auto* objects : {&client.generations, &client.foreign}) {
    for (const auto& object : *objects) prefix.newest = std::max(prefix.newest, object.last_modified);
  }
  return prefix;
}

Result<> look_at(Run& run, const ClientPrefix& client) {
  AuditReport& report = run.report;
  run.seen.insert(client.id.value);
  ++report.clients;
  report.objects += client.objects();
  report.bytes += client.size_bytes();
  for (const auto& object : client.foreign) {
    if (report.foreign_count++ < AuditReport::kForeignShown) report.foreign.push_back(object.key.value);
  }
  const LocalClient* local = run.local.find(client.id);
  if (local == nullptr) {
    report.unknown.push_back(summary(client));
  } else if (!local->present) {
    report.gone.push_back(summary(client));
  }
  TRY_ASSIGN(ClientVerdict verdict, run.auditor.look_at(client, {}));
  if (verdict.broken) report.broken.push_back(client.id.value);
  if (!verdict.difference.empty()) {
    report.different.push_back({client.id.value, std::move(verdict.difference), false});
  }
  return {};
}

// Those that the walk did not meet.
Result<> find_lost(Run& run) {
  for (const engine::KnownClient& known : run.local.ledger->clients) {
    if (known.txid.value == 0 || run.seen.contains(known.id.value)) continue;
    TRY_ASSIGN(auto verdict, run.auditor.look_for(known.id, {}));
    if (!verdict) continue;
    run.report.lost.push_back(known.id.value);
    if (!verdict->difference.empty()) {
      run.report.different.push_back({known.id.value, std::move(verdict->difference), false});
    }
  }
  return {};
}

Result<std::string> audit(const AuditRequest& request, AuditReport& report) {
  TRY_ASSIGN(const auto store, open_store(request.common.store));
  TRY_ASSIGN(auto local, find_local_clients(request.common, store->display_url()));
  const std::filesystem::path& state = request.common.state_dir;
  if (!local.ledger) {
    return fail(Category::not_found, "no daemon has used " + state.string() +
                                         ": name its state directory with -state-dir; what is recorded there is "
                                         "compared with the bucket");
  }
  std::optional<os::ExclusiveFileLock> lock;
  if (request.repair) {
    auto acquired = os::ExclusiveFileLock::acquire(state / "lock");
    if (!acquired && acquired.error().category == Category::conflict) {
      return fail(Category::conflict,
                  "a daemon runs on " + state.string() +
                      ". Stop it for -repair, and start it again: that costs seconds and no upload");
    }
    if (!acquired) return fail(acquired.error());
    lock = *std::move(acquired);
  }
  TRY_ASSIGN(auto recorded, engine::RecordedBackups::open(state / "state.db"));
  Run run{std::move(local), engine::ClientAuditor(*store, recorded)};
  const auto note_foreign = [&](const storage::ObjectInfo& object) {
    if (run.report.foreign_count++ < AuditReport::kForeignShown) run.report.foreign.push_back(object.key.value);
  };
  TRY(engine::walk_bucket(
      *store, {}, {.client = [&](ClientPrefix& client) { return look_at(run, client); }, .foreign = note_foreign}));
  TRY(find_lost(run));
  for (AuditReport::Different& different : run.report.different) {
    if (!request.repair) break;
    TRY(engine::distrust_inventory(state, base::DatabaseId{different.id}));
    different.repair_asked = true;
  }
  report = std::move(run.report);
  return request.common.json ? audit_json(report) : audit_text(report);
}

}  // namespace

ExitCode run_audit(const AuditRequest& request) {
  AuditReport report;
  const auto text = audit(request, report);
  if (!text) {
    std::fputs(fmt::format("litestream-manager: audit: {}\n", text.error().message).c_str(), stderr);
    return exit_code_for(text.error().category);
  }
  const bool written = std::fputs(text->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (report.is_bad()) return ExitCode::verification_failed;
  return written ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
