// argv to one command as a plain value. Pure: touches no file, prints nothing.
#pragma once

#include <span>
#include <string>
#include <variant>

#include "base/error.h"
#include "cli/config.h"

namespace cli {

struct RunDaemon {
  Options options;
};
struct Restore {
  RestoreRequest request;
};
struct TakeOver {
  TakeoverRequest request;
};
struct ShowVersion {};
struct ShowHelp {
  std::string text;
};

using Command = std::variant<RunDaemon, Restore, TakeOver, ShowVersion, ShowHelp>;

// `arguments` without the program's name. Without a subcommand: the daemon. Category::invalid, the only error: the
// message tells what is wrong, how to mend it, and the usage line of the command that was meant. Exit with
// ExitCode::wrong_usage.
base::Result<Command> parse_command_line(std::span<const std::string> arguments);

}  // namespace cli
