#include "storage/file_key.h"

#include <algorithm>

#include <fmt/format.h>

namespace storage {

namespace {

constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr std::size_t kRandomDigits = 16;
constexpr std::size_t kNameBytesMax = 255;

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

std::string_view why_not_a_name(std::string_view name) {
  if (name.empty()) return "has an empty component";
  if (name == "." || name == "..") return "holds a '.' or '..' component";
  if (name.contains('\0')) return "holds a NUL byte";
  if (name.size() + kTemporaryMark.size() + kRandomDigits > kNameBytesMax) return "has a component that is too long";
  if (is_temporary_name(name)) return "is named like an unfinished upload";
  return {};
}

}  // namespace

base::Result<> check_file_key(std::string_view key) {
  std::string_view rest = key;
  for (;;) {
    const std::size_t slash = rest.find('/');
    if (const auto reason = why_not_a_name(rest.substr(0, slash)); !reason.empty()) {
      return base::fail(base::Category::invalid, fmt::format("key '{}' {}", key, reason));
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::string temporary_name(std::string_view final_name, std::string_view random_hex16) {
  return fmt::format("{}{}{}", final_name, kTemporaryMark, random_hex16);
}

bool is_temporary_name(std::string_view name) {
  if (name.size() < kTemporaryMark.size() + kRandomDigits) return false;
  const std::string_view tail = name.substr(name.size() - kTemporaryMark.size() - kRandomDigits);
  return tail.starts_with(kTemporaryMark) && std::ranges::all_of(tail.substr(kTemporaryMark.size()), is_hex_digit);
}

}  // namespace storage
