#include "web/status_json.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "web/audit_json.h"
#include "web/bill_json.h"
#include "web/replica_url.h"

namespace web {

using engine::ClientState;
using engine::ClientStatus;
using engine::FleetStatus;
using engine::StoreAddress;
using Json = nlohmann::ordered_json;

namespace {

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Most texts need no escaping and are copied; the rest goes through the library, which knows all of JSON's rules.
void append_text(std::string& out, std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += dump(Json(text));
  }
}

void append_time(std::string& out, const std::optional<base::UnixMillis>& time) {
  if (!time) {
    out += "null";
  } else {
    append_text(out, base::to_rfc3339(*time));
  }
}

void append_conflict(std::string& out, const std::optional<engine::Conflict>& conflict) {
  if (!conflict) {
    out += "null";
    return;
  }
  Json record{{"writer", to_string(conflict->writer)},
              {"lineage", conflict->lineage == 0 ? Json() : Json(base::hex16(conflict->lineage))},
              {"key", conflict->key},
              {"txid", conflict->txid},
              {"since", conflict->since ? Json(base::to_rfc3339(*conflict->since)) : Json()},
              {"noticedAt", base::to_rfc3339(conflict->noticed)}};
  out += dump(record);
}

void append_verification(std::string& out, const std::optional<engine::VerificationStatus>& verification) {
  if (!verification) {
    out += "null";
    return;
  }
  const Json record{{"verdict", verification->verdict},
                    {"at", base::to_rfc3339(verification->at)},
                    {"seconds", static_cast<double>(verification->duration.count()) / 1000},
                    {"txid", verification->txid},
                    {"sourceEqual", verification->source_equal},
                    {"object", verification->object},
                    {"text", verification->text}};
  out += dump(record);
}

// A client's record is written piece by piece: a fleet may have a hundred thousand of them, and a tree of values for
// each takes more than twice the time.
void append_client(std::string& out, const ClientStatus& client, const StoreAddress& store) {
  const auto field = [&out](std::string_view name) {
    out += out.ends_with('{') ? "\"" : ",\"";
    out += name;
    out += "\":";
  };
  const auto text = [&](std::string_view name, std::string_view value) {
    field(name);
    append_text(out, value);
  };
  const auto number = [&](std::string_view name, std::uint64_t value) {
    field(name);
    fmt::format_to(std::back_inserter(out), "{}", value);
  };
  const auto time = [&](std::string_view name, const std::optional<base::UnixMillis>& value) {
    field(name);
    append_time(out, value);
  };
  out += '{';
  text("clientId", client.client_id);
  text("databasePath", client.database_path);
  text("s3Path", client.replica_path);
  text("status", is_active(client.state) ? "active" : "inactive");
  time("createdAt", client.created);
  text("state", to_string(client.state));
  text("detail", client.detail);
  field("conflict");
  append_conflict(out, client.conflict);
  number("databaseBytes", client.database_bytes);
  number("txid", client.txid);
  text("txidHex", base::hex16(client.txid));
  time("lastReplicatedAt", client.last_replicated);
  time("nextAttemptAt", client.next_attempt);
  field("behind");
  out += client.behind ? "true" : "false";
  number("commits", client.commits);
  number("uploads", client.uploads);
  number("uploadBytes", client.upload_bytes);
  number("diffs", client.diffs);
  const bool lost = client.lost_points.count > 0;
  number("lostRestorePoints", client.lost_points.count);
  time("lostSince", lost ? std::optional(client.lost_points.since) : std::nullopt);
  time("lostUntil", lost ? std::optional(client.lost_points.until) : std::nullopt);
  text("journalMode", client.journal_mode);
  field("verification");
  append_verification(out, client.verification);
  text("restoreCommand", restore_command(client.client_id, store, client.replica_path));
  text("litestreamCommand", litestream_command(client.client_id, store, client.replica_path));
  text("replicaUrl", replica_url(store, client.replica_path));
  out += '}';
}

// The text of `root`, an object that is not empty, with one more field: the list of these clients.
std::string dump_with_clients(const Json& root, const std::vector<const ClientStatus*>& clients,
                              const StoreAddress& store) {
  std::string out = dump(root);
  out.pop_back();
  out += ",\"clients\":[";
  for (const ClientStatus* client : clients) {
    if (client != clients.front()) out += ',';
    append_client(out, *client, store);
  }
  return out + "]}";
}

// Clients by state; every state is there, so a reader needs no default.
Json state_counts(const FleetStatus& fleet) {
  std::array<std::uint64_t, kClientStates> counts{};
  for (const auto& client : fleet.clients) ++counts.at(static_cast<std::size_t>(client->state));
  Json record = Json::object();
  for (std::size_t i = 0; i < kClientStates; ++i) {
    record.emplace(std::string(to_string(static_cast<ClientState>(i))), counts.at(i));
  }
  return record;
}

Json counters_record(const engine::Counters& c) {
  return Json{{"events", c.events},
              {"eventOverflows", c.event_overflows},
              {"missedEvents", c.missed_events},
              {"sweeps", c.sweeps},
              {"looks", c.looks},
              {"captures", c.captures},
              {"commits", c.commits},
              {"frames", c.frames},
              {"lives", c.lives},
              {"livesMissed", c.lives_missed},
              {"diffs", c.diffs},
              {"diffBytesRead", c.diff_bytes_read},
              {"images", c.images},
              {"pins", c.pins},
              {"keptLogs", c.kept_logs},
              {"uploads", c.uploads},
              {"uploadBytes", c.upload_bytes},
              {"uploadFailures", c.upload_failures},
              {"conflicts", c.conflicts},
              {"takeovers", c.takeovers},
              {"adopted", c.adopted},
              {"repairedChains", c.repaired_chains},
              {"droppedCaptures", c.dropped_captures},
              {"lostRestorePoints", c.lost_points},
              {"proofsAppend", c.proofs_append},
              {"proofsLedger", c.proofs_ledger},
              {"proofsLife", c.proofs_life},
              {"proofsUnchanged", c.proofs_unchanged},
              {"gaps", c.gaps},
              {"ignoredFiles", c.ignored_files},
              {"refusedFiles", c.refused_files},
              {"merges", c.merges},
              {"snapshots", c.snapshots},
              {"upkeepBytesRead", c.upkeep_bytes_read},
              {"upkeepBytesWritten", c.upkeep_bytes_written},
              {"removedObjects", c.removed_objects},
              {"removedBytes", c.removed_bytes},
              {"cacheHits", c.cache_hits},
              {"cacheMisses", c.cache_misses},
              {"upkeepFailures", c.upkeep_failures}};
}

Json requests_record(const storage::RequestCounts& r) {
  return Json{{"put", r.put},
              {"get", r.get},
              {"head", r.head},
              {"list", r.list},
              {"delete", r.remove},
              {"multipart", r.multipart},
              {"failed", r.failed},
              {"refused", r.refused},
              {"retried", r.retried},
              {"bytesSent", r.bytes_sent},
              {"bytesReceived", r.bytes_received}};
}

// The part of the answer that both the whole status and a change carry.
void add_totals(Json& root, const FleetStatus& fleet) {
  const auto count = [&fleet](auto predicate) {
    return std::ranges::count_if(fleet.clients, [&](const auto& client) { return predicate(client->state); });
  };
  root["fleetVersion"] = fleet.version;
  root["totalClients"] = count([](ClientState state) { return state != ClientState::removed; });
  root["activeClients"] = count(is_active);
  root["states"] = state_counts(fleet);
  root["behindClients"] = std::ranges::count_if(fleet.clients, [](const auto& client) { return client->behind; });
  root["pendingBytes"] = fleet.pending_bytes;
  root["counters"] = counters_record(fleet.counters);
  root["requests"] = requests_record(fleet.requests);
  root["bill"] = bill_record(fleet.bill);
  root["audit"] = audit_record(fleet.audit);
  root["notices"] = fleet.notices;
  Json dirs = Json::array();
  for (const auto& dir : fleet.watch_dirs) {
    dirs.push_back(Json{{"path", dir.path}, {"ok", dir.ok}, {"detail", dir.detail}});
  }
  root["watchDirStates"] = std::move(dirs);
}

}  // namespace

std::string uptime_text(base::UnixMillis started, base::UnixMillis now) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(std::max(now - started, base::UnixMillis{0})).count();
  if (minutes >= 24 * 60) return fmt::format("{}d {}h", minutes / (24 * 60), minutes / 60 % 24);
  if (minutes >= 60) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
  return fmt::format("{}m", minutes);
}

std::string render_status(const FleetStatus& fleet, const Selection& selection, const StatusContext& context) {
  Json root = Json::object();
  root["bucket"] = fleet.bucket;
  Json dirs = Json::array();
  for (const auto& dir : fleet.watch_dirs) dirs.push_back(dir.path);
  root["watchDirs"] = std::move(dirs);
  root["uptime"] = uptime_text(fleet.started, context.now);
  root["version"] = context.version;
  root["startedAt"] = base::to_rfc3339(fleet.started);
  add_totals(root, fleet);
  root["matchingClients"] = selection.matching;
  return dump_with_clients(root, selection.clients, fleet.store) + "\n";
}

std::string render_client(const ClientStatus& client, const StoreAddress& store, const engine::ClientAccount& account) {
  std::string out;
  append_client(out, client, store);
  out.pop_back();
  out += ",\"account\":" + dump(account_record(account)) + "}\n";
  return out;
}

std::string render_change(const FleetStatus& fleet, const FleetChange& change) {
  // An event stays small whatever happens; a dashboard shows a hundred rows and fetches its page anew instead.
  constexpr std::size_t kClientsMax = 200;
  Json root = Json::object();
  add_totals(root, fleet);
  const bool more = change.changed.size() + change.gone.size() > kClientsMax;
  root["more"] = more;
  root["gone"] = more ? Json::array() : Json(change.gone);
  static const std::vector<const ClientStatus*> kNone;
  return dump_with_clients(root, more ? kNone : change.changed, fleet.store);
}

}  // namespace web
