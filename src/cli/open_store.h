// The operator's store flags, completed from the environment, to a store.
#pragma once

#include <memory>

#include "base/error.h"
#include "cli/config.h"
#include "engine/status.h"
#include "storage/object_store.h"

namespace cli {

// With retries, and nothing asked of the bucket yet. Category::invalid with what is wrong about bucket or endpoint.
base::Result<std::unique_ptr<storage::ObjectStore>> open_store(const StoreOptions& options);

// The same, for others to find it by: without what only this process knows (working directory, environment).
base::Result<engine::StoreAddress> address_of(const StoreOptions& options);

}  // namespace cli
