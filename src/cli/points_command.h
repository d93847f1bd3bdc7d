// `points` as a command: lists what a backup can be restored to.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until done. The result goes to standard output, newest point last.
ExitCode run_points(const PointsRequest& request);

}  // namespace cli
