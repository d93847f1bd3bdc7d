// `pin`, `unpin` and `pins`: restore points that are kept whatever their age.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks. Writes the result to stdout, an error to stderr.
ExitCode run_pins(const PinRequest& request);

}  // namespace cli
