#include "engine/client_audit.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "history/restore_plan.h"
#include "history/restore_points.h"

namespace engine {
namespace {

using Files = std::vector<history::BackupFile>;

bool is_restorable(const Files& files, base::Txid newest) {
  if (newest.value == 0) return true;
  const auto plan = history::plan_restore(files, {});
  return plan && plan->back().name.max == newest;
}

base::Txid newest_of(const Files& files) {
  base::Txid newest;
  for (const history::BackupFile& file : files) newest = std::max(newest, file.name.max);
  return newest;
}

std::vector<base::Txid> points_of(const Files& files) {
  std::vector<base::Txid> points;
  for (const history::RestorePoint& point : history::restore_points(files)) points.push_back(point.txid);
  return points;
}

std::vector<base::Txid> points_of(const RecordedBackup& recorded) {
  Files files;
  for (const history::Object& object : *recorded.objects) {
    files.push_back({history::name_of(object), {}, object.size_bytes, object.created_at});
  }
  return points_of(files);
}

// Recorded before and after: what retention gave up meanwhile is not lost, nor is what came.
LostRange lost_points(const RecordedBackup& before, const RecordedBackup& after, const Files& readable) {
  const std::vector<base::Txid> then = points_of(before);
  const std::vector<base::Txid> now = points_of(after);
  const std::vector<base::Txid> there = points_of(readable);
  std::vector<base::Txid> both;
  std::ranges::set_intersection(then, now, std::back_inserter(both));
  std::vector<base::Txid> lost;
  std::ranges::set_difference(both, there, std::back_inserter(lost));
  if (lost.empty()) return {};
  return {lost.size(), lost.front(), lost.back()};
}

}  // namespace

ClientAuditor::ClientAuditor(storage::ObjectStore& store, RecordedBackups& recorded, Pace before_listing)
    : store_(store), recorded_(recorded), pace_(std::move(before_listing)) {
  if (!pace_) pace_ = [] { return base::Result<>(); };
}

base::Result<ClientPrefix> ClientAuditor::list(const base::DatabaseId& id, const storage::CallContext& context) {
  TRY(pace_());
  return list_client(store_, id, context, pace_);
}

// In the very spelling: two ids that differ in case are two backups.
base::Result<std::optional<RecordedBackup>> ClientAuditor::record_of(const base::DatabaseId& id) {
  auto record = recorded_.find(id);
  if (record && *record && (*record)->client.id != id) return std::nullopt;
  return record;
}

// `before` was read before the listing; without a complete record there is nothing to compare with.
base::Result<ClientVerdict> ClientAuditor::judge(const std::optional<RecordedBackup>& before,
                                                 const ClientPrefix& listed) {
  ClientVerdict verdict;
  const base::Txid newest = newest_of(listed.files);
  verdict.broken = !is_restorable(listed.files, newest);
  TRY_ASSIGN(const auto after, record_of(listed.id));
  // Another host goes on with this backup: what is recorded here is of the past, and nothing is ours to mend.
  if (after && newest > std::max(after->client.txid, after->client.attempted)) return ClientVerdict{};
  if (!before || !after) return verdict;
  const base::Txid stored = before->client.txid;
  if (newest < stored && stored <= after->client.txid) verdict.broken = true;  // the newest objects are gone
  if (!before->objects || !after->objects) return verdict;
  verdict.difference = compare_inventory(*before, *after, listed.files);
  if (verdict.difference.missing.empty() && verdict.difference.resized.empty()) return verdict;
  // An object of another size than the one that was stored is not the one that was stored.
  Files readable = listed.files;
  std::erase_if(readable, [&](const history::BackupFile& file) {
    return std::ranges::find(verdict.difference.resized, file.name) != verdict.difference.resized.end();
  });
  verdict.damaged = !verdict.broken && !is_restorable(readable, newest);
  verdict.broken = verdict.broken || verdict.damaged;
  verdict.lost_points = lost_points(*before, *after, readable);
  return verdict;
}

base::Result<ClientVerdict> ClientAuditor::look_at(const ClientPrefix& listed, const storage::CallContext& context) {
  TRY_ASSIGN(auto record, record_of(listed.id));
  TRY_ASSIGN(ClientVerdict verdict, judge(record, listed));
  if (verdict.fine()) return verdict;
  // The listing may be older than the record. What it says now, between two readings, counts.
  TRY_ASSIGN(record, record_of(listed.id));
  TRY_ASSIGN(const ClientPrefix again, list(listed.id, context));
  return judge(record, again);
}

base::Result<std::optional<ClientVerdict>> ClientAuditor::look_for(const base::DatabaseId& id,
                                                                   const storage::CallContext& context) {
  TRY_ASSIGN(const auto record, record_of(id));
  if (!record || record->client.txid.value == 0) return std::nullopt;  // forgotten meanwhile
  TRY_ASSIGN(const ClientPrefix now, list(id, context));
  if (!now.files.empty()) return std::nullopt;  // the first object came meanwhile
  TRY_ASSIGN(ClientVerdict verdict, judge(record, now));
  return verdict;
}

}  // namespace engine
