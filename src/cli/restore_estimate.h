// What `restore -dry-run` says: the plan, and what it will take. How long is measured at the store, what it costs
// follows the prices that are set.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/config.h"
#include "storage/object_store.h"

namespace cli {

// Text, or JSON, as the request wants it. Blocks for the listing, for what a preview reads, and for the measurement (at
// most 4 MiB). Errors as engine::preview_restore() has them.
base::Result<std::string> describe_restore(storage::ObjectStore& store, const RestoreRequest& request,
                                           const storage::CallContext& context);

}  // namespace cli
