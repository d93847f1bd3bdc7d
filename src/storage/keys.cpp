#include "storage/keys.h"

#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"

namespace storage {

namespace {

constexpr std::string_view kExtension = ".ltx";
constexpr std::size_t kTxidDigits = 16;

std::optional<base::Txid> parse_txid(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!digit) return std::nullopt;
  }
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return base::Txid{value};
}

std::optional<base::Level> parse_level(KeyLayout layout, std::string_view folder) {
  unsigned value = 0;
  const int radix = layout == KeyLayout::s3 ? 16 : 10;
  const auto [end, error] = std::from_chars(folder.data(), folder.data() + folder.size(), value, radix);
  if (error != std::errc{} || end != folder.data() + folder.size() || value > base::kSnapshotLevel.value) {
    return std::nullopt;
  }
  const base::Level level{static_cast<std::uint8_t>(value)};
  // One spelling per level, or two keys would name the same file.
  if (!level_prefix(layout, "", level).ends_with(fmt::format("/{}/", folder))) return std::nullopt;
  return level;
}

}  // namespace

std::string replica_path(const base::DatabaseId& id) {
  return fmt::format("databases/{}", id.value);
}

std::string level_prefix(KeyLayout layout, std::string_view replica, base::Level level) {
  const unsigned number = level.value;
  return layout == KeyLayout::s3 ? fmt::format("{}/{:04x}/", replica, number)
                                 : fmt::format("{}/ltx/{}/", replica, number);
}

base::ObjectKey ltx_key(KeyLayout layout, std::string_view replica, const LtxName& name) {
  return base::ObjectKey{fmt::format("{}{}-{}{}", level_prefix(layout, replica, name.level),
                                     base::hex16(name.min.value), base::hex16(name.max.value), kExtension)};
}

std::optional<LtxName> parse_ltx_key(KeyLayout layout, std::string_view replica, std::string_view key) {
  if (!key.starts_with(replica)) return std::nullopt;
  key.remove_prefix(replica.size());
  const std::string_view lead = layout == KeyLayout::s3 ? "/" : "/ltx/";
  if (!key.starts_with(lead)) return std::nullopt;
  key.remove_prefix(lead.size());

  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto level = parse_level(layout, key.substr(0, slash));
  const std::string_view file = key.substr(slash + 1);
  if (!level || file.size() != 2 * kTxidDigits + 1 + kExtension.size()) return std::nullopt;
  if (file[kTxidDigits] != '-' || !file.ends_with(kExtension)) return std::nullopt;
  const auto min = parse_txid(file.substr(0, kTxidDigits));
  const auto max = parse_txid(file.substr(kTxidDigits + 1, kTxidDigits));
  if (!min || !max || *min > *max || min->value == 0) return std::nullopt;
  return LtxName{*level, *min, *max};
}

}  // namespace storage
