#include "history/compaction.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>

#include "history/calendar.h"
#include "history/restore_plan.h"

namespace history {
namespace {

using base::Level;
using base::Txid;

constexpr std::array kSlots{Slot::hour, Slot::day, Slot::week, Slot::month};

// The object that holds the whole database and reaches farthest.
const Object* newest_image(const Inventory& inventory) {
  const Object* best = nullptr;
  for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
    for (const Object& object : inventory.level(Level{level})) {
      if (!is_image(object)) break;  // they come first in their level
      if (best == nullptr || best->max <= object.max) best = &object;
    }
  }
  return best;
}

// From the newest image on, the objects of each level that reach beyond the level above, as far as they hang together.
// Empty without an image.
std::vector<Object> descend(const Inventory& inventory) {
  std::vector<Object> chain;
  const Object* image = newest_image(inventory);
  if (image == nullptr) return chain;
  chain.push_back(*image);
  for (std::uint8_t level = base::kSnapshotLevel.value; level-- > 0;) {
    const std::span<const Object> objects = inventory.level(Level{level});
    auto at = objects.begin();
    if (inventory.is_ascending(Level{level})) {
      const Txid reached = chain.back().max;
      at = std::ranges::partition_point(objects, [&](const Object& o) { return o.max <= reached; });
    }
    for (; at != objects.end(); ++at) {
      if (at->max <= chain.back().max) continue;
      if (at->min.value - 1 > chain.back().max.value) break;
      chain.push_back(*at);
    }
  }
  return chain;
}

// The newest state as a chain of objects; empty if it cannot be restored. In a backup that was made by our own rules
// the first way finds it. Where foreign objects lie across each other, the planner does.
std::vector<Object> newest_chain(const Inventory& inventory) {
  std::vector<Object> chain = descend(inventory);
  if (!chain.empty() && chain.back().max == inventory.newest()) return chain;
  auto plan = plan_restore(inventory, {});
  return plan && is_image(plan->front()) && plan->back().max == inventory.newest() ? *std::move(plan)
                                                                                   : std::vector<Object>{};
}

std::uint64_t sum_bytes(std::span<const Object> objects) {
  std::uint64_t sum = 0;
  for (const Object& object : objects) sum += object.size_bytes;
  return sum;
}

// What the database takes now, compressed like its newest image.
double compressed_bytes(const Object& image, const DatabaseSize& now) {
  const auto image_bytes = static_cast<double>(image.size_bytes);
  if (now.page_count == 0) return image_bytes;
  if (image.page_count == 0) return std::min(image_bytes, static_cast<double>(now.page_size) * now.page_count);
  return image_bytes * now.page_count / image.page_count;
}

// The end of the chain that no object of `level` or above covers; never the image.
std::span<const Object> uncovered(std::span<const Object> chain, Level level) {
  std::size_t begin = chain.size();
  while (begin > 1 && chain[begin - 1].level < level) --begin;
  return chain.subspan(begin);
}

// Objects of one slot are worth an object of their own: its last point will be kept longer than its others.
bool closes_a_slot(std::span<const Object> before, const Object& next, Level source, const CompactionRules& rules) {
  const base::UnixMillis last = before.back().created_at;
  for (const Slot kind : kSlots) {
    const SlotSpan slot = slot_of(kind, last);
    if (next.created_at < slot.end) continue;
    const auto in_slot = [&](const Object& o) { return o.level == source && o.created_at >= slot.begin; };
    if (std::ranges::count_if(before, in_slot) >= rules.closing_min) return true;
  }
  return false;
}

// How many of the waiting objects make the next one of the level above `source`, `fanout` of which are enough; 0: too
// few so far.
std::size_t cut(std::span<const Object> waiting, Level source, std::size_t fanout, const CompactionRules& rules) {
  std::uint32_t sources = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i].level == source) ++sources;
    if (sources >= fanout) return i + 1;
    if (i + 1 == waiting.size() || sources < rules.closing_min) continue;
    if (closes_a_slot(waiting.first(i + 1), waiting[i + 1], source, rules)) return i + 1;
  }
  return 0;
}

// A snapshot is due beyond that, and nothing waits any more for others to be merged with.
std::size_t plan_objects_soft(const CompactionRules& rules) {
  return rules.plan_objects_max - std::min(rules.plan_objects_max - 1, rules.fanout);
}

// How many objects of level 0 are merged together: as many as there are by the time that they have waited for each
// other.
std::size_t raw_fanout(std::span<const Object> chain, std::span<const Object> waiting, const CompactionRules& rules) {
  if (waiting.size() < rules.fanout) return rules.fanout;
  const std::size_t most = std::max(rules.fanout, rules.burst_fanout);
  const bool fast = waiting.back().created_at < waiting.front().created_at + rules.burst;
  if (fast && sum_bytes(waiting) < rules.burst_bytes && chain.size() < plan_objects_soft(rules)) return most;
  return std::min(waiting.size(), most);
}

struct Range {
  std::size_t begin = 0, end = 0;  // in the chain
  Level level;
};

// The merge would be an input of one that is due as soon as it exists: then that one reads what it was to be made of,
// and is the only one.
Range with_what_follows(std::span<const Object> chain, Range range, const CompactionRules& rules) {
  while (range.level.value < rules.levels) {
    Object merged = chain[range.end - 1];
    merged.level = range.level;
    merged.min = chain[range.begin].min;
    std::vector<Object> then(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(range.begin));
    then.push_back(merged);
    then.insert(then.end(), chain.begin() + static_cast<std::ptrdiff_t>(range.end), chain.end());
    const Level above{static_cast<std::uint8_t>(range.level.value + 1)};
    const std::span<const Object> waiting = uncovered(then, above);
    const std::size_t begin = then.size() - waiting.size();
    const std::size_t count = cut(waiting, range.level, rules.fanout, rules);
    if (count < 2 || begin + count != range.begin + 1) return range;
    range = {begin, range.end, above};
  }
  return range;
}

Merge merge_of(std::span<const Object> inputs, Level level) {
  return {level, {inputs.begin(), inputs.end()}};
}

std::optional<Merge> due_merge(std::span<const Object> chain, const CompactionRules& rules) {
  for (std::uint8_t level = 1; level <= rules.levels; ++level) {
    const std::span<const Object> waiting = uncovered(chain, Level{level});
    const Level source{static_cast<std::uint8_t>(level - 1)};
    const std::size_t fanout = level == 1 ? raw_fanout(chain, waiting, rules) : rules.fanout;
    const std::size_t count = cut(waiting, source, fanout, rules);
    if (count < 2) continue;
    const std::size_t begin = chain.size() - waiting.size();
    const Range range = with_what_follows(chain, {begin, begin + count, Level{level}}, rules);
    return merge_of(chain.subspan(range.begin, range.end - range.begin), range.level);
  }
  return std::nullopt;
}

// A merge before its time because a plan has become too large: many objects may hold the same pages again and again.
std::optional<Merge> early_merge(std::span<const Object> chain, double excess_bytes, const CompactionRules& rules) {
  for (std::uint8_t level = 1; level <= rules.levels; ++level) {
    const std::span<const Object> waiting = uncovered(chain, Level{level});
    if (waiting.size() < rules.closing_min) continue;
    const std::uint64_t largest = std::ranges::max(waiting, {}, &Object::size_bytes).size_bytes;
    // The merged one is at least as large as its largest input.
    if (static_cast<double>(sum_bytes(waiting) - largest) > 2 * excess_bytes) return merge_of(waiting, Level{level});
  }
  return std::nullopt;
}

struct Limits {
  double plan_bytes;    // at once
  double merged_bytes;  // of the merged levels; when no merge is due
  std::size_t objects;  // when no merge is due
};

Limits limits_of(const Object& image, const DatabaseSize& now, const CompactionRules& rules) {
  const auto floor = static_cast<double>(rules.plan_bytes_floor);
  return {.plan_bytes = std::max(floor, rules.plan_bytes_factor * compressed_bytes(image, now)),
          .merged_bytes = std::max(floor, rules.tail_factor * static_cast<double>(image.size_bytes)),
          .objects = plan_objects_soft(rules)};
}

Due due_after(std::span<const Object> chain, const Limits& limits, const CompactionRules& rules) {
  const std::span<const Object> waiting = uncovered(chain, Level{1});
  const double room = limits.plan_bytes - static_cast<double>(sum_bytes(chain));
  Due due{.objects = rules.fanout - std::min(rules.fanout - 1, static_cast<std::uint32_t>(waiting.size())),
          .size_bytes = room > 0 ? static_cast<std::uint64_t>(std::min(room, 1e18)) : 0,
          .created_at = slot_of(Slot::hour, chain.back().created_at).end};
  if (waiting.size() < rules.fanout) return due;
  // Only those that came fast wait although they are as many.
  const std::size_t more = std::min(raw_fanout(chain, waiting, rules) - waiting.size(),
                                    plan_objects_soft(rules) - std::min(chain.size(), plan_objects_soft(rules)));
  due.objects = static_cast<std::uint32_t>(std::max<std::size_t>(more, 1));
  due.size_bytes = std::min(due.size_bytes, rules.burst_bytes - std::min(rules.burst_bytes, sum_bytes(waiting)));
  due.created_at = std::min(due.created_at, waiting.front().created_at + rules.burst);
  return due;
}

}  // namespace

std::string_view to_string(SnapshotReason reason) {
  switch (reason) {
    case SnapshotReason::plan_is_long:
      return "the restore plan has become long";
    case SnapshotReason::plan_is_large:
      return "a restore reads too much for what it gives";
    case SnapshotReason::chain_has_a_gap:
      return "the newest state cannot be restored from the bucket";
  }
  return "";
}

bool Due::after(const Object& object) {
  objects -= std::min(objects, 1U);
  size_bytes -= std::min(size_bytes, object.size_bytes);
  return objects == 0 || size_bytes == 0 || object.created_at >= created_at;
}

std::vector<Object> tip(const Inventory& inventory) {
  std::vector<Object> chain = descend(inventory);
  if (!chain.empty() && chain.back().max == inventory.newest()) return chain;
  return inventory.objects();
}

Action next_action(const Inventory& inventory, const DatabaseSize& now, const CompactionRules& rules) {
  if (inventory.empty()) return Nothing{};
  const std::vector<Object> chain = newest_chain(inventory);
  const Txid newest = inventory.newest();
  if (chain.empty()) return Snapshot{newest, SnapshotReason::chain_has_a_gap};

  const Limits limits = limits_of(chain.front(), now, rules);
  const double excess_bytes = static_cast<double>(sum_bytes(chain)) - limits.plan_bytes;
  const bool can_shrink = chain.size() > 1;
  if (excess_bytes > 0 && can_shrink) {
    if (auto merge = early_merge(chain, excess_bytes, rules)) return *std::move(merge);
    return Snapshot{newest, SnapshotReason::plan_is_large};
  }
  if (auto merge = due_merge(chain, rules)) return *std::move(merge);

  const std::size_t merged = chain.size() - uncovered(chain, Level{1}).size();
  const std::uint64_t merged_bytes = sum_bytes(std::span(chain).subspan(1, merged - 1));
  if (static_cast<double>(merged_bytes) > limits.merged_bytes) {
    return Snapshot{newest, SnapshotReason::plan_is_large};
  }
  if (chain.size() > limits.objects) return Snapshot{newest, SnapshotReason::plan_is_long};
  return Nothing{due_after(chain, limits, rules)};
}

}  // namespace history
