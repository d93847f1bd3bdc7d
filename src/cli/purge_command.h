// `litestream-manager purge`: removes the backup of a database that is gone (decision 0017).
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until it is done; writes to stdout, errors to stderr. Without -confirm it only tells.
ExitCode run_purge(const PurgeRequest& request);

}  // namespace cli
