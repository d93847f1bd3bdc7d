#include "daemon.h"

#include <algorithm>

#include "base/check.h"
#include "history/calendar.h"

namespace history::model {
namespace {

using base::Level;
using base::Txid;
using base::UnixMillis;

constexpr std::uint64_t kPartBytes = 8ULL << 20;    // larger objects go in parts
constexpr std::uint64_t kCachedBytes = 1ULL << 20;  // larger objects are not kept for merges
constexpr std::uint64_t kDeleteBatch = 1000;

std::uint64_t put_requests(std::uint64_t size_bytes) {
  return size_bytes <= kPartBytes ? 1 : 2 + (size_bytes + kPartBytes - 1) / kPartBytes;
}

double in_days(UnixMillis time) {
  return std::chrono::duration<double, std::chrono::days::period>(time).count();
}

}  // namespace

void Daemon::store(const Object& object) {
  inventory_.add(object);
  figures_.puts += put_requests(object.size_bytes);
  figures_.uploaded_bytes += object.size_bytes;
  stored_bytes_ += object.size_bytes;
  figures_.stored_bytes_max = std::max(figures_.stored_bytes_max, stored_bytes_);
}

void Daemon::commit(const Commit& commit) {
  pass(commit.time);
  written_.add(commit);
  const Txid txid = written_.newest();
  const Object object = written_.object(Level{0}, txid, txid, commit.time);
  store(object);
  if (due_.after(object)) compact(commit.time);
  measure();
  const UnixMillis full_hour = floor_hour(commit.time) + std::chrono::hours{1};
  next_pass_ = std::min(next_pass_.value_or(full_hour), full_hour);
}

void Daemon::compact(UnixMillis now) {
  for (;;) {
    const Inventory seen(tip(inventory_));
    const Action action = next_action(seen, written_.database(written_.newest()), rules_);
    if (const auto* nothing = std::get_if<Nothing>(&action)) {
      due_ = nothing->due;
      return;
    }
    if (const auto* merge = std::get_if<Merge>(&action)) {
      for (const Object& input : merge->inputs) {
        if (input.size_bytes <= kCachedBytes) continue;
        ++figures_.gets;
        figures_.downloaded_bytes += input.size_bytes;
      }
      ++figures_.merges;
      store(written_.object(merge->level, merge->inputs.front().min, merge->inputs.back().max, now));
    } else {
      ++figures_.snapshots;
      store(written_.object(base::kSnapshotLevel, Txid{1}, std::get<Snapshot>(action).txid, now));
    }
  }
}

void Daemon::pass(UnixMillis now) {
  while (next_pass_ && *next_pass_ <= now) retain(*next_pass_);
  figures_.stored_byte_days += static_cast<double>(stored_bytes_) * in_days(now - std::max(measured_, kStart));
  measured_ = now;
}

void Daemon::retain(UnixMillis now) {
  figures_.stored_byte_days += static_cast<double>(stored_bytes_) * in_days(now - std::max(measured_, kStart));
  measured_ = now;
  const RetentionPlan plan = plan_retention(inventory_, policy_, {}, now);
  std::vector<storage::LtxName> names;
  for (const Removal& removal : plan.removals) names.push_back(name_of(removal.object));
  inventory_.remove_all(names);
  stored_bytes_ -= plan.removed_bytes;
  const std::uint64_t batches = (names.size() + kDeleteBatch - 1) / kDeleteBatch;
  figures_.deletes += batches;
  figures_.heads += batches;
  CHECK(!plan.next_due || *plan.next_due > now);
  next_pass_ = plan.next_due;
}

void Daemon::measure() {
  const std::vector<Object> plan = tip(inventory_);
  std::uint64_t plan_bytes = 0;
  for (const Object& object : plan) plan_bytes += object.size_bytes;
  figures_.plan_objects_max = std::max(figures_.plan_objects_max, plan.size());
  figures_.objects_max = std::max(figures_.objects_max, inventory_.size());
  if (plan_bytes <= rules_.plan_bytes_floor) return;
  const double factor = static_cast<double>(plan_bytes) / static_cast<double>(written_.image_bytes(written_.newest()));
  figures_.plan_factor_max = std::max(figures_.plan_factor_max, factor);
}

}  // namespace history::model
