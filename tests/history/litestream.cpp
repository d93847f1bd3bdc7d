#include "litestream.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "history/restore_plan.h"

namespace history::model {
namespace {

using base::Level;
using base::Txid;
using base::UnixMillis;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr UnixMillis kTick = seconds{30};
constexpr std::array<UnixMillis, 4> kIntervals{UnixMillis{0}, seconds{30}, minutes{5}, hours{1}};

}  // namespace

void Litestream::store(const Object& object) {
  inventory_.add(object);
  ++figures_.puts;
  figures_.uploaded_bytes += object.size_bytes;
  stored_bytes_ += object.size_bytes;
  figures_.stored_bytes_max = std::max(figures_.stored_bytes_max, stored_bytes_);
}

void Litestream::commit(const Commit& commit) {
  pass(commit.time);
  written_.add(commit);
  const Txid txid = written_.newest();
  store(written_.object(Level{0}, txid, txid, commit.time));
}

void Litestream::pass(UnixMillis now) {
  for (UnixMillis tick = std::chrono::floor<seconds>(now_ / kTick * kTick) + kTick; tick <= now; tick += kTick) {
    figures_.lists += 2;  // of level 1, each 15 s, to see what of level 0 may go
    fire(tick);
    measure(tick);
    now_ = tick;
  }
}

void Litestream::fire(UnixMillis now) {
  for (std::uint8_t level = 1; level < kIntervals.size(); ++level) {
    if (now % kIntervals[level] == UnixMillis{0}) merge(level, now);
  }
  remove_level_0(now);
  if (now % hours{24} == UnixMillis{0}) snapshot(now);
}

void Litestream::merge(std::uint8_t level, UnixMillis now) {
  const auto above = inventory_.level(Level{level});
  const auto below = inventory_.level(Level{static_cast<std::uint8_t>(level - 1)});
  const Txid reached = above.empty() ? Txid{0} : above.back().max;
  if (below.empty() || below.back().max <= reached) return;
  ++figures_.lists;
  const auto first = std::ranges::find_if(below, [&](const Object& o) { return o.min > reached; });
  if (first == below.end()) return;
  if (level > 1) {
    for (auto input = first; input != below.end(); ++input) {
      ++figures_.gets;
      figures_.downloaded_bytes += input->size_bytes;
    }
  }
  ++figures_.merges;
  store(written_.object(Level{level}, first->min, below.back().max, now));
}

void Litestream::remove_level_0(UnixMillis now) {
  const auto merged = inventory_.level(Level{1});
  if (merged.empty()) return;
  std::vector<storage::LtxName> names;
  const auto objects = inventory_.level(Level{0});
  for (const Object& object : objects.first(objects.empty() ? 0 : objects.size() - 1)) {
    if (object.created_at > now - minutes{5} || object.max > merged.back().max) break;
    names.push_back(name_of(object));
    stored_bytes_ -= object.size_bytes;
  }
  if (names.empty()) return;
  ++figures_.deletes;
  inventory_.remove_all(names);
}

void Litestream::snapshot(UnixMillis now) {
  const auto snapshots = inventory_.level(base::kSnapshotLevel);
  const Txid newest = written_.newest();
  if (newest.value > 0 && (snapshots.empty() || snapshots.back().max < newest)) {
    ++figures_.snapshots;
    store(written_.object(base::kSnapshotLevel, Txid{1}, newest, now));
  }
  Txid floor{0};
  std::vector<storage::LtxName> names;
  const auto remove = [&](const Object& object) {
    names.push_back(name_of(object));
    stored_bytes_ -= object.size_bytes;
  };
  const auto all = inventory_.level(base::kSnapshotLevel);
  for (std::size_t i = 0; i + 1 < all.size() && all[i].stored_at < now - hours{24}; ++i) {
    floor = all[i].max;
    remove(all[i]);
  }
  for (std::uint8_t level = 1; level < kIntervals.size(); ++level) {
    const auto objects = inventory_.level(Level{level});
    for (std::size_t i = 0; i + 1 < objects.size() && objects[i].max < floor; ++i) remove(objects[i]);
  }
  if (!names.empty()) ++figures_.deletes;
  inventory_.remove_all(names);
}

void Litestream::measure(UnixMillis now) {
  figures_.stored_byte_days +=
      static_cast<double>(stored_bytes_) * std::chrono::duration<double, std::chrono::days::period>(now - now_).count();
  figures_.objects_max = std::max(figures_.objects_max, inventory_.size());
  if (now % hours{1} != minutes{59} || inventory_.empty()) return;
  const auto plan = plan_restore(inventory_, {});
  if (!plan) return;
  std::uint64_t plan_bytes = 0;
  for (const Object& object : *plan) plan_bytes += object.size_bytes;
  figures_.plan_objects_max = std::max(figures_.plan_objects_max, plan->size());
  if (plan_bytes <= CompactionRules{}.plan_bytes_floor) return;
  const double factor = static_cast<double>(plan_bytes) / static_cast<double>(written_.image_bytes(written_.newest()));
  figures_.plan_factor_max = std::max(figures_.plan_factor_max, factor);
}

}  // namespace history::model
