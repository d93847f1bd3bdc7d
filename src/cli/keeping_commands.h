// The commands about what is kept in the bucket, from arguments to values: pin, unpin, pins,
// retention, purge and audit.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command_line.h"

namespace cli {

// nullopt: `name` is none of them. Errors are those of parse_command_line().
std::optional<base::Result<Command>> parse_keeping_command(std::string_view name,
                                                           std::span<const std::string> arguments,
                                                           const Surroundings& surroundings);

// A line each, for the help.
std::string keeping_usage();

}  // namespace cli
