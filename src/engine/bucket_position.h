// What the bucket already holds for a database that our state knows nothing about: one LIST below its prefix and one
// ranged GET of the newest object's header. Asynchronous; the answer comes on the store's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/types.h"
#include "ltx/provenance.h"
#include "storage/keys.h"
#include "storage/object_store.h"

namespace engine {

struct BucketPosition {
  base::Txid newest;       // max over all levels; 0: nothing there
  bool restorable = true;  // a plan for the newest state exists
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;
  std::optional<ltx::Provenance> provenance;  // of the newest object, if one of our kind wrote it
};

// corrupt if the newest object's header cannot be read; other errors are the store's.
void find_bucket_position(storage::ObjectStore& store, const std::string& replica,
                          std::function<void(base::Result<BucketPosition>)> done);

}  // namespace engine
