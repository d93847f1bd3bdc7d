// What a database will cost by what it writes: the day's requests, and what the bucket holds once as much is removed as
// comes. Pure. Estimates for people (`explain -cost`), never a ground for a decision; the model of histories
// (tests/history) says how far they are off.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "history/compaction.h"
#include "history/cost.h"
#include "history/object.h"
#include "history/retention.h"

namespace history {

// How large an object is that holds so many commits together: commits write the same pages again, so it is smaller than
// the sum of them. Measured from what is stored; between and beyond that, by a power of the number.
class ObjectSizes {
 public:
  // Nothing is known but the size of one commit's object and of the whole database's.
  ObjectSizes(double commit_bytes, double image_bytes);
  // From what is stored. The image is the newest one there; `image_bytes` if there is none.
  static ObjectSizes measure(std::span<const Object> objects, double image_bytes);
  // The same from sums: of the objects of a level that hold no image.
  struct LevelSum {
    double objects = 0, commits = 0, bytes = 0;
  };
  static ObjectSizes from_sums(std::span<const LevelSum> levels, double image_bytes);

  [[nodiscard]] double of(double commits) const;
  [[nodiscard]] double image() const { return image_bytes_; }

 private:
  struct Known {
    double commits, bytes;
  };
  std::vector<Known> known_;  // ascending
  double image_bytes_;
};

struct Writing {
  double commits_per_day = 0;  // that are captured alone: at most one a sync interval
  double active_hours_per_day = 24;
};

// Requests of a day, by purpose; deletions as if the client were alone, though batches are shared.
struct Forecast {
  double captures = 0, merges = 0, snapshots = 0;  // objects stored
  double snapshot_requests = 0;                    // PUTs of them, parts by themselves, and the GETs for them
  double snapshot_reads = 0;
  double deletes = 0, heads = 0;
  double stored_bytes = 0;  // with retention off: after 30 days

  [[nodiscard]] Requests requests() const;
};

// Requests of steady writers within 5 % of the model, stored bytes within a factor of two (history_forecast_test).
Forecast forecast(const Writing& writing, const ObjectSizes& sizes, const RetentionPolicy& policy,
                  const CompactionRules& rules = {});

}  // namespace history
