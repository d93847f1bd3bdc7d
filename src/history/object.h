// What retention and compaction know of a stored object, and the objects of one backup in order. Values only: no key,
// no bytes, no store.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "storage/keys.h"

namespace history {

// One LTX object of one database. A row of the inventory.
struct Object {
  base::Txid min;
  base::Txid max;
  std::uint64_t size_bytes = 0;
  // Time of its last transaction: the LTX header's timestamp, which a merge takes over from its last input.
  base::UnixMillis created_at{0};
  // When the store had it. 0: long ago. Young objects do not yet let others go (retention.h, grace).
  base::UnixMillis stored_at{0};
  // Database size in pages after its last transaction (the LTX header's commit). 0: not known.
  std::uint32_t page_count = 0;
  base::Level level;

  friend bool operator==(const Object&, const Object&) = default;
};
static_assert(sizeof(Object) <= 48, "a hot client has 86,400 of them");

// From a listing, which knows when the object was stored and no more: a merged object's created_at is then too late by
// what it waited for its merge. That makes its points younger, so they are kept longer.
Object from_listing(const storage::LtxName& name, std::uint64_t size_bytes, base::UnixMillis last_modified);
constexpr storage::LtxName name_of(const Object& object) {
  return {object.level, object.min, object.max};
}

// True for a file that holds the whole database: any that starts at TXID 1. (All of level 9 do.)
constexpr bool is_image(const Object& object) {
  return object.min.value <= 1;
}

// The objects of one database, per level in ascending order of (min, max), as a listing gives them. A value; belongs to
// one thread at a time. Objects above level 9 are dropped.
class Inventory {
 public:
  static constexpr std::size_t kLevels = base::kSnapshotLevel.value + 1;

  Inventory() = default;
  explicit Inventory(std::span<const Object> objects);  // in any order; of equal names the one that was stored last

  // Replaces an object of the same name. O(1) at the end of its level, where new ones belong; else O(level).
  void add(const Object& object);
  // False if there is none of that name. O(level).
  bool remove(const storage::LtxName& name);
  // Many at once, O(n). Names that are not there are passed over.
  void remove_all(std::span<const storage::LtxName> names);

  // Empty for a level above 9. Invalidated by add and remove.
  [[nodiscard]] std::span<const Object> level(base::Level level) const;
  [[nodiscard]] const Object* find(const storage::LtxName& name) const;
  // Mins and maxes both rise within the level, as those of every writer we know do: searches may halve.
  [[nodiscard]] bool is_ascending(base::Level level) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::uint64_t size_bytes() const;
  // The highest TXID of all; 0 when empty.
  [[nodiscard]] base::Txid newest() const;
  // All, level by level.
  [[nodiscard]] std::vector<Object> objects() const;

 private:
  std::array<std::vector<Object>, kLevels> levels_;
  std::array<bool, kLevels> disordered_{};
};

}  // namespace history
