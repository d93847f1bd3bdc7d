// `restore-all` as a command: a whole host comes back.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until done. Progress goes to standard error, a table or JSON to standard output. Each file appears complete
// and checked, or not at all; one that exists is never touched. done: every client that has a state is there;
// verification_failed: a backup is damaged; conflict: a file was in the way; not_found: there was nothing to restore;
// failed: anything else, -resume goes on.
ExitCode run_restore_all(const RestoreAllRequest& request);

}  // namespace cli
