// `query` as a command: SQL over a backup that stays where it is.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until done. Rows go to standard output as they come, everything else to standard error. SIGINT and SIGTERM end
// it at once; nothing is left behind but what -cache-dir holds.
ExitCode run_query(const QueryRequest& request);

}  // namespace cli
