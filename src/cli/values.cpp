#include "cli/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <arpa/inet.h>

namespace cli {
namespace {

using base::Category;
using base::fail;
using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// "ms" stands before "m", so that the longer name is tried first.
constexpr std::array kUnits{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}};
constexpr Unit kDay{"d", 86'400'000};
constexpr double kLongestMilliseconds = 3'600'000.0 * 24 * 365 * 100;

std::unexpected<base::Error> not_a_duration(std::string_view text) {
  return fail(Category::invalid, "\"" + std::string(text) +
                                     "\" is not a duration; write a number and a unit, for example 500ms, 1s or 2m");
}

const Unit* unit_at_start(std::string_view text) {
  if (text.starts_with(kDay.name)) return &kDay;
  const auto* unit = std::ranges::find_if(kUnits, [&](const Unit& u) { return text.starts_with(u.name); });
  return unit == kUnits.end() ? nullptr : unit;
}

// Digits with at most one point; moves `text` past them.
std::optional<double> take_decimal(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, value, std::chars_format::fixed);
  if (length == 0 || error != std::errc{} || end != text.data() + length) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::filesystem::path normal_directory(std::string_view text) {
  const auto normal = std::filesystem::path(text).lexically_normal();
  return normal.has_filename() || !normal.has_relative_path() ? normal : normal.parent_path();
}

}  // namespace

base::Result<base::Txid> parse_txid(std::string_view text) {
  constexpr std::size_t kHexDigits = 16;
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, text.size() == kHexDigits ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
    return fail(Category::invalid,
                "\"" + std::string(text) +
                    "\" is not a TXID; write 16 hexadecimal digits, for example 000000000000002a, or "
                    "a number from 1");
  }
  return base::Txid{value};
}

base::Result<double> parse_decimal(std::string_view text) {
  std::string_view rest = text;
  const auto value = take_decimal(rest);
  if (value && rest.empty()) return *value;
  return fail(Category::invalid, "\"" + std::string(text) + "\" is not a number; write one like 0.005");
}

base::Result<milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return not_a_duration(text);
  std::string_view rest = text;
  double total = 0;
  while (!rest.empty()) {
    const auto number = take_decimal(rest);
    if (!number) return not_a_duration(text);
    const Unit* unit = unit_at_start(rest);
    if (unit == nullptr) return not_a_duration(text);
    rest.remove_prefix(unit->name.size());
    total += *number * static_cast<double>(unit->milliseconds);
  }
  if (total > kLongestMilliseconds) return fail(Category::invalid, "\"" + std::string(text) + "\" is too long");
  return milliseconds(std::llround(total));
}

std::string format_duration(milliseconds duration) {
  if (duration.count() == 0) return "0s";
  std::string text;
  std::int64_t rest = duration.count();
  if (rest % kDay.milliseconds == 0 && rest > kDay.milliseconds) return std::to_string(rest / kDay.milliseconds) + "d";
  for (const Unit& unit : {kUnits[3], kUnits[2], kUnits[1], kUnits[0]}) {
    if (rest / unit.milliseconds == 0) continue;
    text += std::to_string(rest / unit.milliseconds) + std::string(unit.name);
    rest %= unit.milliseconds;
  }
  return text;
}

base::Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return fail(Category::invalid,
                "\"" + std::string(text) + "\" is not a port; give a number from 0 to 65535 (0: any free port)");
  }
  return port;
}

base::Result<std::string> parse_bind_address(std::string_view text) {
  std::string address(text);
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  if (inet_pton(AF_INET, address.c_str(), parsed.data()) == 1) return address;
  if (inet_pton(AF_INET6, address.c_str(), parsed.data()) == 1) return address;
  return fail(Category::invalid,
              "\"" + address +
                  "\" is not an IP address; give one of this machine, for example 127.0.0.1, ::1, or "
                  "0.0.0.0 for all of them");
}

base::Result<std::string> parse_endpoint(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    std::string_view host = text.substr(scheme.size());
    while (host.ends_with('/')) host.remove_suffix(1);
    if (host.empty() || host.find_first_of("/?#@ ") != std::string_view::npos) break;
    return std::string(scheme) + std::string(host);
  }
  return fail(Category::invalid,
              "not an endpoint; write http://HOST:PORT or https://HOST, without path, user name or password");
}

base::Result<std::vector<std::filesystem::path>> parse_directories(std::string_view text) {
  std::vector<std::filesystem::path> directories;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string_view entry = trimmed(text.substr(start, end - start));
    if (entry.empty()) {
      return fail(Category::invalid,
                  "\"" + std::string(text) + "\" has an empty entry; give directories separated by single commas");
    }
    const auto directory = normal_directory(entry);
    if (std::ranges::find(directories, directory) == directories.end()) directories.push_back(directory);
    start = end + 1;
  }
  return directories;
}

base::Result<std::filesystem::path> parse_directory(std::string_view text) {
  if (text.empty()) return fail(Category::invalid, "an empty name is no directory");
  return normal_directory(text);
}

base::Result<double> parse_percent(std::string_view text) {
  std::string_view digits = text;
  if (digits.ends_with('%')) digits.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || !(value > 0) || value > 100) {
    return fail(Category::invalid, "\"" + std::string(text) + "\" is no share such as 2%, above 0 and up to 100%");
  }
  return value;
}

base::Result<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return fail(Category::invalid, "\"" + std::string(text) + "\" is neither true nor false");
}

}  // namespace cli
