#include "base/bytes.h"

namespace base {

namespace {
constexpr char kDigits[] = "0123456789abcdef";
}

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t b : bytes) {
    text.push_back(kDigits[b >> 4]);
    text.push_back(kDigits[b & 15]);
  }
  return text;
}

std::string hex16(std::uint64_t value) {
  std::array<std::uint8_t, 8> raw{};
  store_be64(raw.data(), value);
  return to_hex(raw);
}

}  // namespace base
