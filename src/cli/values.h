// Texts of the command line to values and back. Pure. Every error is Category::invalid, and its message reads as the
// end of "-flag: ..." : what is wrong with the text and how to mend it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace cli {

// "500ms", "1s", "2m", "1h", "7d", parts of them ("1.5s") and sums ("1m30s"), not negative. A number without unit is
// refused.
base::Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest exact form: "500ms", "1s", "1m30s", "0s"; days only where there are several whole ones ("24h", "7d").
std::string format_duration(std::chrono::milliseconds duration);

// "0.005", "12"; not negative, no exponent.
base::Result<double> parse_decimal(std::string_view text);

// 0 to 65535.
base::Result<std::uint16_t> parse_port(std::string_view text);

// Only an IP address literal, version 4 or 6: a name could resolve to more than the operator meant.
base::Result<std::string> parse_bind_address(std::string_view text);

// "http://..." or "https://..." with a host, without a trailing slash in the result.
base::Result<std::string> parse_endpoint(std::string_view text);

// Comma-separated; blanks around an entry are dropped, an empty entry is refused. Lexically normal, no trailing slash,
// in the order given, each once.
base::Result<std::vector<std::filesystem::path>> parse_directories(std::string_view text);

// One directory as it stands, commas and blanks included; lexically normal, no trailing slash. Refused if empty.
base::Result<std::filesystem::path> parse_directory(std::string_view text);

// 16 hexadecimal digits as Litestream writes TXIDs, or a decimal number; from 1.
base::Result<base::Txid> parse_txid(std::string_view text);

// "2%", "2", "0.5%": above 0, up to 100.
base::Result<double> parse_percent(std::string_view text);

// "true", "false", "1", "0".
base::Result<bool> parse_bool(std::string_view text);

}  // namespace cli
