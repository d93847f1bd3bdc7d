// `litestream-manager audit`: is in the bucket what is recorded here, and what else is? (decision 0017)
#pragma once

#include "cli/config.h"
#include "cli/exit_code.h"

namespace cli {

// Blocks for one listing of the bucket; writes to stdout, errors to stderr. verification_failed: something is missing,
// broken or not as recorded.
ExitCode run_audit(const AuditRequest& request);

}  // namespace cli
