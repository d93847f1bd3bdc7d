// Strong types, so that a transaction id, a page number and a count never mix.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace base {

// A value with a name. Comparable and hashable; `.value` where the number itself is needed.
template <typename Tag, typename Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(std::move(v)) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
  friend constexpr bool operator==(const Strong&, const Strong&) = default;
};

// TXID of Litestream: one per captured batch of a database, from 1; 0 means "none".
using Txid = Strong<struct TxidTag, std::uint64_t>;
constexpr Txid next(Txid txid) {
  return Txid{txid.value + 1};
}

// SQLite page number, from 1.
using PageNumber = Strong<struct PageNumberTag, std::uint32_t>;

// LTX level: 0 is raw, 1 to 8 are merged, 9 are snapshots.
using Level = Strong<struct LevelTag, std::uint8_t>;
inline constexpr Level kSnapshotLevel{9};

// Client id as it stands in file name and key (36 characters, case kept).
using DatabaseId = Strong<struct DatabaseIdTag, std::string>;

// Key of an object inside its bucket, without leading slash.
using ObjectKey = Strong<struct ObjectKeyTag, std::string>;

}  // namespace base

template <typename Tag, typename Rep>
struct std::hash<base::Strong<Tag, Rep>> {
  std::size_t operator()(const base::Strong<Tag, Rep>& s) const { return std::hash<Rep>{}(s.value); }
};
