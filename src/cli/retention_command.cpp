#include "cli/retention_command.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/client_policies.h"
#include "cli/local_clients.h"
#include "cli/open_store.h"
#include "cli/retention_report.h"
#include "engine/bucket_pins.h"

namespace cli {
namespace {

using base::Result;

struct Run {
  const RetentionRequest& request;
  storage::ObjectStore& store;
  LocalClients local;
  ClientPolicies policies;
  std::vector<engine::BucketPin> pins;  // by client
  RetentionReport report;
};

std::vector<history::Pin> pins_of(const Run& run, const base::DatabaseId& id) {
  std::vector<history::Pin> pins;
  for (const engine::BucketPin& pin : run.pins) {
    if (pin.client == id) pins.push_back(pin.pin);
  }
  return pins;
}

// Why the daemon would not touch it, as it decides itself; empty: it would.
std::string left_alone(const Run& run, const LocalClient* local, const engine::ClientPolicy& policy) {
  if (run.local.looked && local == nullptr) return "unknown to this host";
  if (local != nullptr && !local->present && !local->watched && !run.request.client_blocks.empty()) {
    return "its directory is not watched";
  }
  if (policy.paused) return "paused";
  return policy.retention.off ? "retention is off" : "";
}

Result<> look_at(Run& run, engine::ClientPrefix& client) {
  const LocalClient* local = run.local.find(client.id);
  const auto policy = run.policies.of(client.id.value, local == nullptr ? std::string() : local->below);
  std::string untouched = left_alone(run, local, *policy);
  history::RetentionPolicy applied = policy->retention;
  applied.off = !untouched.empty();
  const auto pins = pins_of(run, client.id);
  TRY_ASSIGN(auto preview, engine::preview_retention(run.store, client, applied, pins, run.report.now, {}));
  if (!preview.intact) untouched = "its newest state cannot be restored; verify tells why";
  run.report.add(retention_row(client, preview, std::move(untouched)));
  if (run.report.with_plan) run.report.plan = std::move(preview.plan);
  return {};
}

Result<std::string> look(const RetentionRequest& request) {
  TRY_ASSIGN(const auto store, open_store(request.common.store));
  TRY_ASSIGN(auto local, find_local_clients(request.common, store->display_url()));
  Run run{request, *store, std::move(local), ClientPolicies(request.policy, request.client_blocks), {}, {}};
  run.report.now = base::system_clock().unix_now();
  if (request.client.empty()) {
    TRY_ASSIGN(run.pins, engine::read_pins(*store, engine::pin_prefix()));
    TRY(engine::walk_bucket(*store, {},
                            {.client = [&](engine::ClientPrefix& client) { return look_at(run, client); }}));
  } else {
    const base::DatabaseId id{request.client};
    TRY_ASSIGN(run.pins, engine::read_pins(*store, engine::pin_prefix(id)));
    TRY_ASSIGN(auto client, engine::list_client(*store, id, {}));
    if (client.objects() == 0) {
      return base::fail(base::Category::not_found, "the bucket holds no backup of " + request.client);
    }
    run.report.with_plan = true;
    TRY(look_at(run, client));
  }
  return request.common.json ? retention_json(run.report) : retention_text(run.report);
}

}  // namespace

ExitCode run_retention(const RetentionRequest& request) {
  const auto text = look(request);
  if (text) {
    return std::fputs(text->c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? ExitCode::done : ExitCode::failed;
  }
  std::fputs(fmt::format("litestream-manager: retention: {}\n", text.error().message).c_str(), stderr);
  return exit_code_for(text.error().category);
}

}  // namespace cli
