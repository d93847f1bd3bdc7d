#include "web/server/host_check.h"

#include <algorithm>
#include <array>

namespace web {

namespace {

constexpr std::array<std::string_view, 3> kLoopbackNames{"localhost", "127.0.0.1", "[::1]"};

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, to_lower, to_lower);
}

}  // namespace

bool names_loopback(std::string_view host) {
  return std::ranges::any_of(kLoopbackNames, [host](std::string_view name) {
    if (!starts_with_ignoring_case(host, name)) return false;
    const std::string_view rest = host.substr(name.size());
    return rest.empty() || (rest.size() >= 2 && rest.front() == ':' && std::ranges::all_of(rest.substr(1), is_digit));
  });
}

}  // namespace web
