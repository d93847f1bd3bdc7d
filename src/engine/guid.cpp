#include "engine/guid.h"

namespace engine {

std::optional<Guid> parse_guid(std::string_view text) {
  constexpr std::string_view kForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  if (text.size() != kForm.size()) return std::nullopt;
  Guid guid;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (kForm[i] == '-') {
      if (c != '-') return std::nullopt;
      continue;
    }
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      digit = static_cast<std::uint64_t>(c | 0x20) - 'a' + 10;
    } else {
      return std::nullopt;
    }
    guid.high = guid.high << 4 | guid.low >> 60;
    guid.low = guid.low << 4 | digit;
  }
  return guid;
}

}  // namespace engine
