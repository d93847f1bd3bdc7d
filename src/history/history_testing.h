// Small backups for tests: objects without a word too much, and random worlds that grow the way a daemon's do.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "history/compaction.h"
#include "history/object.h"

namespace history::testing {

// Monday, 2024-01-01 00:00 UTC.
inline constexpr base::UnixMillis kMonday{1'704'067'200'000};

inline Object object(std::uint8_t level, std::uint64_t min, std::uint64_t max, base::UnixMillis created_at,
                     std::uint64_t size_bytes = 1000) {
  return {.min = base::Txid{min},
          .max = base::Txid{max},
          .size_bytes = size_bytes,
          .created_at = created_at,
          .level = base::Level{level}};
}

// The objects {from, from} to {to, to} of level 0, one each `step` from `begin` on.
inline std::vector<Object> commits(std::uint64_t from, std::uint64_t to, base::UnixMillis begin,
                                   base::UnixMillis step) {
  std::vector<Object> all;
  for (std::uint64_t i = from; i <= to; ++i) {
    all.push_back(object(0, i, i, begin + step * static_cast<std::int64_t>(i - from)));
  }
  return all;
}

inline Inventory with(std::vector<Object> objects, const std::vector<Object>& more) {
  objects.insert(objects.end(), more.begin(), more.end());
  return Inventory(objects);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(engine_); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// Carries out an action; for Nothing the inventory stays as it is.
inline bool carry_out(Inventory& inventory, const Action& action, base::UnixMillis now) {
  Object made;
  if (const auto* merge = std::get_if<Merge>(&action)) {
    made = merge->inputs.back();
    made.min = merge->inputs.front().min;
    made.level = merge->level;
    made.size_bytes = 0;
    for (const Object& input : merge->inputs) made.size_bytes += input.size_bytes * 2 / 3;
  } else if (const auto* snapshot = std::get_if<Snapshot>(&action)) {
    made.min = base::Txid{1};
    made.max = snapshot->txid;
    made.level = base::kSnapshotLevel;
    made.size_bytes = 40'000;
    for (std::uint8_t level = 0; level < Inventory::kLevels; ++level) {
      for (const Object& o : inventory.level(base::Level{level})) {
        if (o.max == made.max) made.created_at = o.created_at;
      }
    }
  } else {
    return false;
  }
  made.stored_at = now;
  inventory.add(made);
  return true;
}

}  // namespace history::testing
