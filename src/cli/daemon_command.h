// The daemon as a command: wires every part, runs until SIGINT or SIGTERM, returns the exit code.
#pragma once

#include "cli/config.h"

namespace cli {

// Blocks. Logging is configured by the caller. Prints nothing on standard output; everything is in the log.
int run_daemon(const Options& options);

}  // namespace cli
