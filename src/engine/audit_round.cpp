#include "engine/audit_round.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/log.h"
#include "os/file.h"

namespace engine {
namespace {

constexpr std::size_t kKnownAtOnce = 500;

bool is_below(const std::filesystem::path& path, const std::string& directory) {
  const std::string parent = directory.ends_with('/') ? directory : directory + "/";
  return path.string().starts_with(parent);
}

std::string text_of(const base::DatabaseId& id, const LostRange& lost) {
  return fmt::format("{}: {} from TXID {} to {}", id.value, lost.count, base::hex16(lost.first.value),
                     base::hex16(lost.last.value));
}

}  // namespace

AuditRound::AuditRound(AuditSurroundings surroundings, AuditProgress progress, base::UnixMillis now)
    : around_(std::move(surroundings)),
      auditor_(around_.store, around_.recorded, around_.pace),
      progress_(std::move(progress)) {
  if (progress_.found.begun == base::UnixMillis{0}) progress_.found.begun = now;
}

base::Result<> AuditRound::run(const storage::CallContext& context) {
  known_.clear();
  all_known_ = false;
  const BucketVisitor visitor{.client = [&](ClientPrefix& client) -> base::Result<> {
                                TRY(look_for_absent(client.id.value, context));
                                return on_client(client, context);
                              },
                              .foreign =
                                  [&](const storage::ObjectInfo& object) {
                                    progress_.found.foreign.add(object.key.value);
                                    progress_.key = object.key.value;
                                  },
                              .next_page = [&](const std::string& told) -> base::Result<> {
                                progress_.key = told;
                                return around_.pace();
                              }};
  TRY(walk_bucket(around_.store, context, visitor, progress_.key));
  nothing_there_ = progress_.found.clients == 0;
  TRY(look_for_absent({}, context));
  count_unstored();
  return {};
}

base::Result<> AuditRound::look_for_absent(const std::string& below, const storage::CallContext& context) {
  for (;;) {
    if (known_.empty() && !all_known_) {
      TRY_ASSIGN(auto more, around_.recorded.clients_above(progress_.client, kKnownAtOnce));
      all_known_ = more.size() < kKnownAtOnce;
      std::ranges::move(more, std::back_inserter(known_));
    }
    if (known_.empty()) return {};
    if (!below.empty() && known_.front().id.value >= below) return {};
    TRY(on_absent(known_.front(), context));
    progress_.client = known_.front().id.value;
    known_.pop_front();
  }
}

base::Result<> AuditRound::on_absent(const KnownClient& client, const storage::CallContext& context) {
  if (client.txid.value == 0) return {};
  TRY_ASSIGN(const auto verdict, auditor_.look_for(client.id, context));
  if (!verdict) return {};
  progress_.found.lost.add(client.id.value);
  base::log::error("audit: the bucket holds nothing any more of what was stored", {{"client", client.id.value}});
  ClientVerdict all = *verdict;
  all.broken = !looks_unmounted();
  return heal(client.id, all);
}

// A directory whose disk is not mounted has no backup at all: what is stored there anew would be in the way of the real
// ones.
bool AuditRound::looks_unmounted() const {
  return nothing_there_ && around_.store.layout() == storage::KeyLayout::file;
}

base::Result<> AuditRound::on_client(const ClientPrefix& client, const storage::CallContext& context) {
  TRY_ASSIGN(const ClientVerdict verdict, auditor_.look_at(client, context));
  AuditStatus& found = progress_.found;
  ++found.clients;
  found.objects += client.objects();
  found.bytes += client.size_bytes();
  for (const storage::ObjectInfo& object : client.foreign) found.foreign.add(object.key.value);
  count_owner(client);
  if (!known_.empty() && known_.front().id == client.id) known_.pop_front();
  progress_.client = client.id.value;
  if (!client.files.empty()) progress_.key = client.files.back().key.value;
  for (const auto* others : {&client.generations, &client.foreign}) {
    if (!others->empty()) progress_.key = std::max(progress_.key, others->back().key.value);
  }
  if (verdict.fine()) return {};
  if (verdict.broken) {
    found.broken.add(client.id.value);
    base::log::error("audit: the newest state of a backup cannot be restored", {{"client", client.id.value}});
  }
  return heal(client.id, verdict);
}

void AuditRound::count_owner(const ClientPrefix& client) {
  const auto record = around_.ledger.find(client.id);
  const bool known = record && record->id == client.id;
  if (!known && !around_.board.find(client.id.value)) {
    progress_.found.unknown.add(client.id.value);
  } else if (known && database_is_gone(client.id, record->path)) {
    progress_.found.gone.add(client.id.value);
  }
}

// What is in a directory that nobody can look into is not gone.
bool AuditRound::database_is_gone(const base::DatabaseId& id, const std::string& path) const {
  const auto status = around_.board.find(id.value);
  if (status && status->state != ClientState::removed) return false;
  for (const WatchDirStatus& directory : around_.board.watch_dirs()) {
    if (!directory.ok && is_below(path, directory.path)) return false;
  }
  const auto there = os::stat_path(path);
  return !there && there.error().category == base::Category::not_found;
}

base::Result<> AuditRound::heal(const base::DatabaseId& id, const ClientVerdict& verdict) {
  AuditStatus& found = progress_.found;
  const InventoryDifference& difference = verdict.difference;
  if (verdict.lost_points.count > 0) {
    found.lost_points += verdict.lost_points.count;
    found.losses.add(text_of(id, verdict.lost_points));
    base::log::error("audit: restore points are lost", {{"client", id.value},
                                                        {"points", verdict.lost_points.count},
                                                        {"first", base::hex16(verdict.lost_points.first.value)},
                                                        {"last", base::hex16(verdict.lost_points.last.value)}});
  }
  if (!difference.empty()) {
    found.different.add(id.value);
    base::log::warn("audit: a backup is not as recorded", {{"client", id.value},
                                                           {"missing", difference.missing.size()},
                                                           {"unknown", difference.unknown.size()},
                                                           {"resized", difference.resized.size()}});
  }
  if (verdict.broken && around_.healer.mend(id, verdict.damaged ? Mend::damaged : Mend::missing)) {
    found.mending.add(id.value);
  }
  if (difference.empty()) return {};
  // Also where the client asks the bucket itself: what waits to be removed was planned with a wrong inventory.
  TRY_ASSIGN(const ClientRecord record, around_.ledger.find(id));
  around_.healer.list_anew(record.row);
  return {};
}

void AuditRound::count_unstored() {
  const auto fleet = around_.board.fleet();
  for (const auto& client : fleet->clients) {
    const bool expected = client->state != ClientState::removed && client->state != ClientState::waiting;
    if (client->txid == 0 && expected) progress_.found.unstored.add(client->client_id);
  }
}

}  // namespace engine
