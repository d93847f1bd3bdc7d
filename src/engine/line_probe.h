// How fast the store answers from here, found out by a few requests: for an estimate of how long a restore takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "engine/restore_preview.h"
#include "storage/object_store.h"

namespace engine {

struct LineSpeed {
  std::chrono::microseconds answer{0};  // until a request of a few bytes is answered
  double bytes_per_second = 0;          // with requests side by side, as a restore has them
  std::uint64_t probe_bytes = 0;        // read for that
  std::uint64_t probe_requests = 0;
};

// Reads parts of the objects of a plan, the largest first, at most 4 MiB. Blocks. One moment's speed: a line that is
// shared, and a store that is busy, are another one in an hour. not_found: there is nothing to read; the store's own.
base::Result<LineSpeed> measure_line(storage::ObjectStore& store, const std::vector<PlannedObject>& objects,
                                     unsigned parallel, const storage::CallContext& context);

}  // namespace engine
