// `litestream-manager retention`: what would go, and why the rest stays. Reads only.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until it is done; writes to stdout, errors to stderr.
ExitCode run_retention(const RetentionRequest& request);

}  // namespace cli
