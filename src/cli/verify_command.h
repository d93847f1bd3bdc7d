// `verify` as a command: proves backups and says what is wrong with them.
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks until done. Progress goes to standard error, the result to standard output; what was found is kept in the
// state directory, if there is one. verification_failed: a verdict is "failure"; failed: some clients got no verdict.
ExitCode run_verify(const VerifyRequest& request);

}  // namespace cli
