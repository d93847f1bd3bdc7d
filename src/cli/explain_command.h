// `explain` as a command.
#pragma once

#include "cli/command_line.h"
#include "cli/exit_code.h"

namespace cli {

// The settings on standard output, what is wrong with them on standard error. For a client its file is looked for in
// the watched directories. wrong_usage if the daemon would not start with these settings.
ExitCode run_explain(const Explain& explain);

}  // namespace cli
