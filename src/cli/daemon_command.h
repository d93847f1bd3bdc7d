// The daemon as a command: wires every part, runs until SIGINT or SIGTERM, returns the exit code.
#pragma once

#include <functional>

#include "cli/command_line.h"

namespace cli {

// Blocks. Logging is configured by the caller. Prints nothing on standard output; everything is in the log.
//
// At SIGHUP `read_again` makes the command anew from the same arguments, on the calling thread: what can change then
// does (reload.h), and if it cannot be made, nothing does. A daemon without a configuration file has nothing to read
// again; it ends in order, as programs do whose terminal goes away.
int run_daemon(RunDaemon command, const std::function<base::Result<Command>()>& read_again);

}  // namespace cli
