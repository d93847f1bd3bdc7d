#include "history/object.h"

#include <algorithm>
#include <tuple>

namespace history {
namespace {

std::tuple<base::Txid, base::Txid> range_of(const Object& object) {
  return {object.min, object.max};
}

std::tuple<base::Txid, base::Txid> range_of(const storage::LtxName& name) {
  return {name.min, name.max};
}

bool goes_on(const Object& before, const Object& after) {
  // Level 9 is in order by its maxes alone: all its files start at 1.
  const bool both_start = is_image(before) && is_image(after) && after.level == base::kSnapshotLevel;
  return before.max < after.max && (before.min < after.min || both_start);
}

bool all_go_on(const std::vector<Object>& level) {
  if (!level.empty() && level.front().min.value == 0) return false;
  return std::ranges::adjacent_find(level, [](const Object& a, const Object& b) { return !goes_on(a, b); }) ==
         level.end();
}

}  // namespace

Object from_listing(const storage::LtxName& name, std::uint64_t size_bytes, base::UnixMillis last_modified) {
  return {.min = name.min,
          .max = name.max,
          .size_bytes = size_bytes,
          .created_at = last_modified,
          .stored_at = last_modified,
          .level = name.level};
}

Inventory::Inventory(std::span<const Object> objects) {
  for (const Object& object : objects) {
    if (object.level.value < kLevels) levels_[object.level.value].push_back(object);
  }
  for (std::size_t i = 0; i < kLevels; ++i) {
    std::vector<Object>& level = levels_[i];
    std::ranges::sort(level, {}, [](const Object& o) { return std::tuple(o.min, o.max, -o.stored_at); });
    const auto equal = std::ranges::unique(level, {}, [](const Object& o) { return range_of(o); });
    level.erase(equal.begin(), equal.end());
    disordered_[i] = !all_go_on(level);
  }
}

void Inventory::add(const Object& object) {
  if (object.level.value >= kLevels) return;
  std::vector<Object>& level = levels_[object.level.value];
  bool& disordered = disordered_[object.level.value];
  if (level.empty() || range_of(level.back()) < range_of(object)) {
    disordered = disordered || (level.empty() ? object.min.value == 0 : !goes_on(level.back(), object));
    level.push_back(object);
    return;
  }
  const auto at = std::ranges::lower_bound(level, range_of(object), {}, [](const Object& o) { return range_of(o); });
  if (range_of(*at) == range_of(object)) {
    *at = object;
    return;
  }
  level.insert(at, object);
  disordered = disordered || !all_go_on(level);
}

bool Inventory::remove(const storage::LtxName& name) {
  const Object* found = find(name);
  if (found == nullptr) return false;
  std::vector<Object>& level = levels_[name.level.value];
  level.erase(level.begin() + (found - level.data()));
  bool& disordered = disordered_[name.level.value];
  disordered = disordered && !all_go_on(level);
  return true;
}

void Inventory::remove_all(std::span<const storage::LtxName> names) {
  std::array<std::vector<std::tuple<base::Txid, base::Txid>>, kLevels> going;
  for (const storage::LtxName& name : names) {
    if (name.level.value < kLevels) going[name.level.value].push_back(range_of(name));
  }
  for (std::size_t i = 0; i < kLevels; ++i) {
    std::ranges::sort(going[i]);
    std::erase_if(levels_[i], [&](const Object& o) { return std::ranges::binary_search(going[i], range_of(o)); });
    disordered_[i] = disordered_[i] && !all_go_on(levels_[i]);
  }
}

std::span<const Object> Inventory::level(base::Level level) const {
  if (level.value >= kLevels) return {};
  return levels_[level.value];
}

const Object* Inventory::find(const storage::LtxName& name) const {
  const std::span<const Object> objects = level(name.level);
  const auto at = std::ranges::lower_bound(objects, range_of(name), {}, [](const Object& o) { return range_of(o); });
  return at != objects.end() && range_of(*at) == range_of(name) ? &*at : nullptr;
}

bool Inventory::is_ascending(base::Level level) const {
  return level.value < kLevels && !disordered_[level.value];
}

std::size_t Inventory::size() const {
  std::size_t sum = 0;
  for (const auto& level : levels_) sum += level.size();
  return sum;
}

std::uint64_t Inventory::size_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& level : levels_) {
    for (const Object& object : level) sum += object.size_bytes;
  }
  return sum;
}

base::Txid Inventory::newest() const {
  base::Txid newest;
  for (std::size_t i = 0; i < kLevels; ++i) {
    if (levels_[i].empty()) continue;
    const auto last = disordered_[i] ? std::ranges::max_element(levels_[i], {}, &Object::max) : levels_[i].end() - 1;
    newest = std::max(newest, last->max);
  }
  return newest;
}

std::vector<Object> Inventory::objects() const {
  std::vector<Object> all;
  all.reserve(size());
  for (const auto& level : levels_) all.insert(all.end(), level.begin(), level.end());
  return all;
}

}  // namespace history
