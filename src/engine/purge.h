// Removes a whole backup: everything below "databases/{GUID}/". For commands; what has to be so before is their
// business (decision 0017).
#pragma once

#include <cstddef>
#include <functional>

#include "base/error.h"
#include "base/types.h"
#include "storage/object_store.h"

namespace engine {

// Blocks. Lists, deletes, and lists again until nothing is there: some stores confirm a deletion and keep the object,
// some take a moment, which `pause` waits for (between three tries). Returns how many objects went. May end anywhere
// and be called again.
//   conflict  objects came meanwhile: somebody writes to it. They are left alone.
//   denied    the store refuses
//   io        objects are still there after the store confirmed that they are gone
base::Result<std::size_t> purge_objects(storage::ObjectStore& store, const base::DatabaseId& id,
                                        const std::function<void()>& pause, const storage::CallContext& context);

}  // namespace engine
