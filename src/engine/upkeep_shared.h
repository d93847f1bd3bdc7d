// What the parts of upkeep (upkeep.h) have in common. Everything here is used on upkeep's own thread; only `post` may
// be called from anywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "engine/bucket_pins.h"
#include "engine/ledger.h"
#include "engine/object_cache.h"
#include "engine/probe.h"
#include "history/compaction.h"
#include "storage/object_store.h"

namespace engine {

struct UpkeepOptions {
  history::CompactionRules compaction;
  std::uint64_t cache_bytes_max = 256ULL << 20;
  // Merges that read no more than this are done in memory, some side by side; of larger ones one at a time, in files of
  // the staging directory.
  std::uint64_t light_bytes_max = 4ULL << 20;
  // What such a merge may take there: inputs and output.
  std::uint64_t staging_bytes_max = 64ULL << 30;
  std::chrono::milliseconds slice{4};  // of work without a look at anything else
  // Objects that wait for their removal in memory, about 250 bytes each, and how many of them one client may add at a
  // time. Whose do not fit stay where they are and are planned again when there is room.
  std::size_t removals_max = 20'000;
  std::size_t removals_share = 5'000;
};

struct UpkeepShared {
  Ledger& ledger;
  storage::ObjectStore& store;
  ObjectCache& cache;
  const base::Clock& clock;
  Probe& probe;
  UpkeepOptions options;
  std::filesystem::path staging_directory;
  // Runs the function on upkeep's thread, soon. For answers of the store.
  std::function<void(std::move_only_function<void()>)> post;
  PinBook pins;  // as of the last reading

  // None: not known well enough to plan a removal. (Before something is removed they are read again.)
  [[nodiscard]] std::optional<std::vector<history::Pin>> known_pins(const base::DatabaseId& client) const {
    constexpr std::chrono::hours kKnownFor{24};
    if (!pins.read || clock.steady_now() - *pins.read >= kKnownFor) return std::nullopt;
    return pins.of(client);
  }
};

// A piece of work on one client's objects: plain state that step() moves on.
class UpkeepJob {
 public:
  virtual ~UpkeepJob() = default;
  // One slice. True: call again soon. False: finished() or waits for the store, whose answer leads to another call.
  virtual bool step() = 0;
  [[nodiscard]] virtual bool finished() const = 0;
};

}  // namespace engine
