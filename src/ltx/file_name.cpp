#include "ltx/file_name.h"

#include <charconv>

#include "base/bytes.h"

namespace ltx {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSuffix = ".ltx";
constexpr std::size_t kNameSize = kDigits + 1 + kDigits + kSuffix.size();

std::optional<base::Txid> parse_txid(std::string_view digits) {
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return base::Txid{value};
}

}  // namespace

std::string file_name(TxidRange range) {
  return base::hex16(range.min.value) + '-' + base::hex16(range.max.value) + std::string(kSuffix);
}

std::optional<TxidRange> parse_file_name(std::string_view name) {
  if (name.size() != kNameSize || name[kDigits] != '-' || !name.ends_with(kSuffix)) return std::nullopt;
  const auto min = parse_txid(name.substr(0, kDigits));
  const auto max = parse_txid(name.substr(kDigits + 1, kDigits));
  if (!min || !max || min->value == 0 || *min > *max) return std::nullopt;
  return TxidRange{*min, *max};
}

}  // namespace ltx
