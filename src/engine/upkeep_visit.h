// One look after one client's objects, from "what is there" to "nothing to do": learns the bucket once, settles what an
// earlier run left open, proves that the prefix is still ours, makes at most one merge or snapshot, and gives up what
// retention no longer wants. Plain state, moved on by step() on upkeep's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "engine/adopt_job.h"
#include "engine/ledger.h"
#include "engine/merge_job.h"
#include "engine/ownership.h"
#include "engine/upkeep_shared.h"
#include "history/retention.h"

namespace engine {

// What the visitor knows about the client already.
struct VisitRequest {
  std::int64_t row = 0;
  bool owned = false;                      // proven lately
  bool retention = false;                  // it is time for it
  std::size_t removals_max = 0;            // then: as many objects may be given up at most
  history::RetentionPolicy policy;         // of it
  bool heavy_allowed = true;               // a merge too large for memory may be made now
  base::UnixMillis now{0};                 // by the retention clock
  std::vector<history::Object> unsettled;  // left `writing` by an earlier run
};

struct VisitReport {
  std::optional<base::Error> error;        // ended early; what was done stays
  std::vector<history::Object> unsettled;  // with an error: `writing` in the inventory
  bool proven = false;                     // by a look at the bucket
  bool owned = false;                      // by that or before: the prefix is ours
  bool again = false;                      // there may be more to do
  bool wants_heavy = false;                // there is a large merge to do, and it was not allowed
  history::Due due;                        // when merging has to be thought of again, if no error and not again
  std::vector<history::Object> removals;   // `deleting` in the inventory from now on
  bool retention_done = false;
  bool removals_left = false;                // it is to go on: there was more than might be given up
  bool wants_pins = false;                   // retention is not done: there would be something to remove
  bool holds_pins = false;                   // retention is done, and some points are kept for their pins
  std::vector<base::Txid> lost_pins;         // that no restore plan leads to any more
  std::optional<base::UnixMillis> next_due;  // of retention, if it was done
};

class UpkeepVisit {
 public:
  UpkeepVisit(UpkeepShared& shared, VisitRequest request);

  // True: call again soon. False: finished() or waits for the store.
  bool step();
  [[nodiscard]] bool finished() const { return stage_ == Stage::finished; }
  [[nodiscard]] std::int64_t row() const { return request_.row; }
  [[nodiscard]] const base::DatabaseId& client() const { return record_.id; }
  [[nodiscard]] bool heavy() const { return heavy_; }
  [[nodiscard]] bool retains() const { return request_.retention; }
  [[nodiscard]] const history::RetentionPolicy& policy() const { return request_.policy; }
  // After the end.
  [[nodiscard]] VisitReport& report() { return report_; }

 private:
  enum class Stage : std::uint8_t { begin, list, settle, prove, merge, adopt, retain, finished };
  base::Result<> advance();
  base::Result<> begin();
  base::Result<> listed();
  base::Result<> settle_next();
  base::Result<> prove();
  base::Result<> compact();
  base::Result<> start_merge(std::vector<history::Object> inputs, base::Level level);
  base::Result<> merged();
  base::Result<> adopted();
  base::Result<> retain();
  void note_pins(const std::vector<history::Pin>& pins, const history::RetentionPlan& plan);
  base::Result<> inventory_is_wrong(const base::Error& error);

  UpkeepShared& shared_;
  VisitRequest request_;
  VisitReport report_;
  ClientRecord record_;
  Stage stage_ = Stage::begin;
  bool heavy_ = false;
  std::shared_ptr<ListJob> list_;
  std::shared_ptr<AdoptJob> adopt_;
  std::shared_ptr<ProveJob> prove_;
  std::shared_ptr<MergeJob> merge_;
};

}  // namespace engine
