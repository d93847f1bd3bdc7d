// What a restore asks of the store, before it is done: requests, bytes, how long, what it costs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/line_probe.h"
#include "engine/restore_preview.h"
#include "history/cost.h"
#include "storage/object_store.h"

namespace cli {

// Fractions, because a few restores may stand for many.
struct RestoreEffort {
  double gets = 0, lists = 0, heads = 0;
  double read_bytes = 0;

  [[nodiscard]] double requests() const { return gets + lists + heads; }
};

struct RestoreCost {
  double requests = 0, traffic = 0;
};

struct PreviewedRestore {
  engine::RestorePreview preview;
  RestoreEffort effort;
};

// Blocks for the listing and what a preview reads. Errors as engine::preview_restore() has them.
base::Result<PreviewedRestore> preview_effort(storage::ObjectStore& store, std::string_view replica,
                                              const history::RestoreTarget& target,
                                              const storage::CallContext& context);

// How long that takes where `at_once` restores go on side by side with `parallel` requests each; without SQLite's
// check.
double seconds_for(const RestoreEffort& effort, const engine::LineSpeed& line, unsigned parallel, unsigned at_once = 1);
RestoreCost cost_of(const RestoreEffort& effort, const history::PriceTable& prices);

// For people: "time      about 1.2 s, ..." and "cost      0.000012 for ...", a line each.
std::string time_line(double seconds, const engine::LineSpeed& line);
std::string cost_line(const RestoreEffort& effort, const history::PriceTable& prices);

}  // namespace cli
