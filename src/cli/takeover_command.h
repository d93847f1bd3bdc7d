// `takeover` as a command: tells which backups another writer continues, and hands the operator's word to the daemon.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks: requests to the store, and with -confirm up to a minute until a daemon that runs has answered. Everything is
// told on standard output. not_found: a client that the state directory does not know; conflict: the store does not
// honour conditional writes, or the state directory belongs to another bucket; failed: the daemon did not answer.
ExitCode run_takeover(const TakeoverRequest& request);

}  // namespace cli
