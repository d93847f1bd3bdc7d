// The arguments of `query`, and its settings.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command_line.h"

namespace cli {

inline constexpr std::string_view kQueryUsage = "litestream-manager query GUID|URL SQL -bucket BUCKET [flags]";

std::string query_help();

// Errors are those of parse_command_line().
base::Result<Command> parse_query(std::span<const std::string> arguments, const Surroundings& surroundings);

}  // namespace cli
