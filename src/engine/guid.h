// A client's id as a number: 16 bytes in the place of a text, for tables with a hundred thousand of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace engine {

// Upper and lower case are the same client (fleet/client_name.h).
struct Guid {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const Guid&, const Guid&) = default;
};

struct GuidHash {
  std::size_t operator()(const Guid& guid) const { return guid.high * 0x9e3779b97f4a7c15U ^ guid.low; }
};

// 8-4-4-4-12 hexadecimal digits; nullopt for anything else.
std::optional<Guid> parse_guid(std::string_view text);

}  // namespace engine
