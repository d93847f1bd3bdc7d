#include "web/fleet_metrics.h"

#include <algorithm>
#include <array>
#include <limits>

#include "metrics/exposition.h"
#include "web/bill_json.h"
#include "web/client_query.h"

namespace web {

using engine::ClientState;
using engine::FleetStatus;
using metrics::Exposition;
using metrics::Kind;

namespace {

double seconds(base::UnixMillis time) {
  return std::chrono::duration<double>(time).count();
}

std::string_view replica_type(const FleetStatus& fleet) {
  return fleet.bucket.starts_with("file:") ? "file" : "s3";
}

void write_clients(Exposition& out, const FleetStatus& fleet) {
  std::array<std::uint64_t, kClientStates> counts{};
  std::uint64_t behind = 0;
  std::uint64_t bytes = 0;
  for (const auto& client : fleet.clients) {
    ++counts.at(static_cast<std::size_t>(client->state));
    behind += client->behind ? 1U : 0U;
    if (client->state != ClientState::removed) bytes += client->database_bytes;
  }
  out.family(Kind::gauge, "litestream_manager_clients", "Clients by state.");
  for (std::size_t i = 0; i < kClientStates; ++i) {
    out.sample({{"state", to_string(static_cast<ClientState>(i))}}, counts.at(i));
  }
  out.gauge("litestream_manager_clients_behind",
            "Clients with commits that are not stored yet, or that cannot be read.", behind);
  out.gauge("litestream_manager_database_bytes", "Size of all databases, in bytes.", bytes);
  base::UnixMillis lost_since{0};
  base::UnixMillis lost_until{0};
  for (const auto& client : fleet.clients) {
    if (client->lost_points.count == 0 || client->lost_points.until < lost_until) continue;
    lost_since = client->lost_points.since;
    lost_until = client->lost_points.until;
  }
  out.family(Kind::gauge, "litestream_manager_lost_restore_points_timestamp_seconds",
             "First and last restore point that the latest outage of the store cost a client, Unix time; 0 if none.");
  out.sample({{"edge", "since"}}, seconds(lost_since));
  out.sample({{"edge", "until"}}, seconds(lost_until));
  std::array<std::uint64_t, 3> verdicts{};
  base::UnixMillis verified_last{0};
  for (const auto& client : fleet.clients) {
    if (!client->verification) continue;
    const std::string& verdict = client->verification->verdict;
    ++verdicts.at(verdict == "ok" ? 0 : verdict == "warning" ? 1 : 2);
    verified_last = std::max(verified_last, client->verification->at);
  }
  out.family(Kind::gauge, "litestream_manager_verified_clients", "Clients by the verdict of their last verification.");
  out.sample({{"verdict", "ok"}}, verdicts[0]);
  out.sample({{"verdict", "warning"}}, verdicts[1]);
  out.sample({{"verdict", "failure"}}, verdicts[2]);
  out.family(Kind::gauge, "litestream_manager_verification_timestamp_seconds",
             "When a backup was verified last, Unix time; 0: never.");
  out.sample({}, seconds(verified_last));
  out.gauge("litestream_manager_pending_bytes", "Captured, not stored yet, held in memory, in bytes.",
            fleet.pending_bytes);
  out.family(Kind::gauge, "litestream_manager_watch_dir_ok", "1 while the directory can be watched.");
  for (const auto& dir : fleet.watch_dirs) out.sample({{"path", dir.path}}, dir.ok ? 1 : 0);
}

void write_capture(Exposition& out, const engine::Counters& c) {
  out.counter("litestream_manager_events_total", "File system events read.", c.events);
  out.counter("litestream_manager_event_overflows_total", "Times the kernel dropped events.", c.event_overflows);
  out.counter("litestream_manager_missed_events_total", "Changes that the sweep found and no event told.",
              c.missed_events);
  out.counter("litestream_manager_sweeps_total", "Sweeps over all watch directories.", c.sweeps);
  out.counter("litestream_manager_looks_total", "Looks at a write-ahead log.", c.looks);
  out.counter("litestream_manager_captures_total", "Looks that captured something.", c.captures);
  out.counter("litestream_manager_commits_total", "Commits captured.", c.commits);
  out.counter("litestream_manager_frames_total", "Write-ahead log frames captured.", c.frames);
  out.counter("litestream_manager_wal_lives_total", "Write-ahead logs seen from creation to deletion.", c.lives);
  out.counter("litestream_manager_wal_lives_missed_total", "Write-ahead logs that were gone before they were read.",
              c.lives_missed);
  out.family(Kind::counter, "litestream_manager_proofs_total", "Continuity proofs by rule.");
  out.sample({{"rule", "append"}}, c.proofs_append);
  out.sample({{"rule", "ledger"}}, c.proofs_ledger);
  out.sample({{"rule", "life"}}, c.proofs_life);
  out.sample({{"rule", "unchanged"}}, c.proofs_unchanged);
  out.counter("litestream_manager_gaps_total", "Times continuity could not be proven.", c.gaps);
  out.counter("litestream_manager_diffs_total", "Gaps healed by reading the database.", c.diffs);
  out.counter("litestream_manager_diff_read_bytes_total", "Bytes of databases read for diffs.", c.diff_bytes_read);
  out.counter("litestream_manager_images_total", "Full images made.", c.images);
  out.counter("litestream_manager_pins_total", "Times a log was held against its restart.", c.pins);
  out.counter("litestream_manager_kept_logs_total",
              "Times a log was kept as it is because a database could not be read otherwise.", c.kept_logs);
  out.family(Kind::counter, "litestream_manager_files_skipped_total",
             "Files in watch directories that are no clients.");
  out.sample({{"reason", "ignored"}}, c.ignored_files);
  out.sample({{"reason", "refused"}}, c.refused_files);
}

void write_uploads(Exposition& out, const engine::Counters& c) {
  out.counter("litestream_manager_uploads_total", "Objects stored.", c.uploads);
  out.counter("litestream_manager_upload_bytes_total", "Bytes of objects stored.", c.upload_bytes);
  out.counter("litestream_manager_upload_failures_total", "Uploads that failed and are tried again.",
              c.upload_failures);
  out.counter("litestream_manager_conflicts_total", "Uploads refused because another writer owns the prefix.",
              c.conflicts);
  out.counter("litestream_manager_takeovers_total", "Takeovers that the operator ordered.", c.takeovers);
  out.counter("litestream_manager_adopted_total", "Own uploads found stored although their answer was lost.",
              c.adopted);
  out.counter("litestream_manager_repaired_chains_total",
              "Backups that had lost objects in the bucket, or held damaged ones, and were made whole.",
              c.repaired_chains);
  out.counter("litestream_manager_dropped_captures_total", "Captures dropped for want of memory; a diff replaces them.",
              c.dropped_captures);
  out.counter("litestream_manager_lost_restore_points_total",
              "Restore points that outages of the store cost, one per sync interval at most.", c.lost_points);
}

void write_upkeep(Exposition& out, const engine::Counters& c) {
  out.family(Kind::counter, "litestream_manager_upkeep_objects_total",
             "Objects that looking after the bucket has stored or removed.");
  out.sample({{"action", "merged"}}, c.merges);
  out.sample({{"action", "snapshot"}}, c.snapshots);
  out.sample({{"action", "removed"}}, c.removed_objects);
  out.family(Kind::counter, "litestream_manager_upkeep_bytes_total", "Bytes of that, and bytes read for it.");
  out.sample({{"action", "read"}}, c.upkeep_bytes_read);
  out.sample({{"action", "written"}}, c.upkeep_bytes_written);
  out.sample({{"action", "removed"}}, c.removed_bytes);
  out.counter("litestream_manager_upkeep_failures_total", "Merges and removals that failed and are tried again.",
              c.upkeep_failures);
  out.family(Kind::counter, "litestream_manager_upkeep_inputs_total",
             "Objects to be merged, by where they were found.");
  out.sample({{"found", "cache"}}, c.cache_hits);
  out.sample({{"found", "bucket"}}, c.cache_misses);
}

void write_requests(Exposition& out, const FleetStatus& fleet) {
  const auto& r = fleet.requests;
  const std::string_view type = replica_type(fleet);
  struct Operation {
    std::string_view name;
    std::uint64_t count;
  };
  out.family(Kind::counter, "litestream_replica_operation_total", "Requests to the store by operation.");
  for (const auto& [name, count] :
       {Operation{"PUT", r.put}, Operation{"GET", r.get}, Operation{"HEAD", r.head}, Operation{"LIST", r.list},
        Operation{"DELETE", r.remove}, Operation{"MULTIPART", r.multipart}}) {
    out.sample({{"replica_type", type}, {"operation", name}}, count);
  }
  out.family(Kind::counter, "litestream_replica_operation_bytes", "Bytes moved to and from the store.");
  out.sample({{"replica_type", type}, {"operation", "PUT"}}, r.bytes_sent);
  out.sample({{"replica_type", type}, {"operation", "GET"}}, r.bytes_received);
  out.counter("litestream_manager_requests_failed_total", "Requests to the store that failed.", r.failed);
  out.counter("litestream_manager_requests_refused_total",
              "Writes that the store refused because the object exists: the probe at start, and other writers.",
              r.refused);
  out.counter("litestream_manager_requests_retried_total", "Requests to the store that were tried again.", r.retried);
}

void write_bill(Exposition& out, const engine::FleetBill& bill) {
  out.family(Kind::counter, "litestream_manager_requests_total",
             "Requests to the store by what they are for and their kind, as its provider counts them.");
  for (std::size_t purpose = 0; purpose < engine::kPurposes; ++purpose) {
    for (std::size_t kind = 0; kind < storage::kRequestKinds; ++kind) {
      out.sample({{"purpose", to_string(static_cast<engine::Purpose>(purpose))},
                  {"kind", kind_word(static_cast<storage::RequestKind>(kind))}},
                 bill.since_start.requests.at(purpose).at(kind));
    }
  }
  out.gauge("litestream_manager_stored_objects", "Objects in the bucket, by the inventory.", bill.stored_objects);
  out.gauge("litestream_manager_stored_bytes", "Bytes in the bucket, by the inventory.", bill.stored_bytes);
  out.family(Kind::gauge, "litestream_manager_month_cost",
             "What requests and storage of this month (UTC) have cost so far, by the price table.");
  out.sample({}, bill.month_cost);
  out.family(Kind::gauge, "litestream_manager_month_cost_projected",
             "What they will have cost at its end if it goes on like the last 24 hours; NaN in the first hour.");
  out.sample({}, bill.month_cost_projected.value_or(std::numeric_limits<double>::quiet_NaN()));
}

// Of the last audit that came to its end.
void write_audit(Exposition& out, const engine::AuditOverview& audit) {
  const engine::AuditStatus last = audit.last.value_or(engine::AuditStatus());
  out.family(Kind::gauge, "litestream_manager_audit_timestamp_seconds",
             "When the bucket was last compared with what is recorded, Unix time; 0: never.");
  out.sample({}, seconds(last.ended.value_or(base::UnixMillis{0})));
  out.family(Kind::gauge, "litestream_manager_audit_findings",
             "Of the last audit: backups that were not as recorded (different, broken, lost), of which some are stored "
             "anew (mending); what no database here accounts for (gone, unknown, foreign); databases without a backup "
             "(unstored).");
  out.sample({{"kind", "different"}}, last.different.count);
  out.sample({{"kind", "broken"}}, last.broken.count);
  out.sample({{"kind", "lost"}}, last.lost.count);
  out.sample({{"kind", "mending"}}, last.mending.count);
  out.sample({{"kind", "gone"}}, last.gone.count);
  out.sample({{"kind", "unknown"}}, last.unknown.count);
  out.sample({{"kind", "foreign"}}, last.foreign.count);
  out.sample({{"kind", "unstored"}}, last.unstored.count);
  out.gauge("litestream_manager_audit_lost_restore_points",
            "Restore points that the last audit found to be recorded and not there.", last.lost_points);
}

void write_each_client(Exposition& out, const FleetStatus& fleet) {
  const auto family = [&](Kind kind, std::string_view name, std::string_view help, auto value) {
    out.family(kind, name, help);
    for (const auto& client : fleet.clients) {
      if (client->state != ClientState::removed) out.sample({{"db", client->database_path}}, value(*client));
    }
  };
  family(Kind::gauge, "litestream_db_size", "Size of the database, in bytes.",
         [](const engine::ClientStatus& c) { return c.database_bytes; });
  family(Kind::gauge, "litestream_txid", "Last stored transaction id.",
         [](const engine::ClientStatus& c) { return c.txid; });
  family(Kind::gauge, "litestream_manager_client_behind", "1 while commits are not stored yet, or cannot be seen.",
         [](const engine::ClientStatus& c) { return c.behind ? 1 : 0; });
  family(Kind::counter, "litestream_manager_client_lost_restore_points_total",
         "Restore points of the client that outages of the store cost.",
         [](const engine::ClientStatus& c) { return c.lost_points.count; });
  family(Kind::gauge, "litestream_manager_client_conflict_since_timestamp_seconds",
         "Since when another writer continues the backup, Unix time; 0 if none does.",
         [](const engine::ClientStatus& c) {
           return c.conflict ? seconds(c.conflict->since.value_or(c.conflict->noticed)) : 0.0;
         });
  family(Kind::gauge, "litestream_manager_client_last_replicated_timestamp_seconds",
         "When the newest stored object was stored, Unix time; 0 if none was.",
         [](const engine::ClientStatus& c) { return seconds(c.last_replicated.value_or(base::UnixMillis{0})); });
}

}  // namespace

std::string render_fleet_metrics(const FleetStatus& fleet, const MetricsContext& context) {
  Exposition out;
  out.family(Kind::gauge, "litestream_manager_build_info", "Always 1; the label tells the version.");
  out.sample({{"version", context.version}}, 1);
  out.family(Kind::gauge, "litestream_manager_uptime_seconds", "Time since start, in seconds.");
  out.sample({}, std::max(seconds(context.now - fleet.started), 0.0));
  write_clients(out, fleet);
  write_capture(out, fleet.counters);
  write_uploads(out, fleet.counters);
  write_upkeep(out, fleet.counters);
  write_requests(out, fleet);
  write_bill(out, fleet.bill);
  write_audit(out, fleet.audit);
  if (context.client_series == ClientSeries::each) write_each_client(out, fleet);
  metrics::write_process_metrics(out, context.process);
  return std::move(out).text();
}

}  // namespace web
