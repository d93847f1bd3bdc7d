// `restore` as a command: fetches one state of a database into a file and says how it went, or with -dry-run what it
// would take.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until done. Progress goes to standard error (a bar on a terminal, else a line every few seconds), the result
// to standard output. After a failure no output file is left behind that was not there before.
ExitCode run_restore(const RestoreRequest& request);

}  // namespace cli
