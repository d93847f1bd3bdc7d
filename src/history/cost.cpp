#include "history/cost.h"

#include <algorithm>
#include <cmath>

namespace history {

double request_cost(const Requests& requests, const PriceTable& prices) {
  return (requests.puts + requests.lists) / 1000 * prices.per_1000_writes +
         (requests.gets + requests.heads) / 1000 * prices.per_1000_reads;
}

double storage_cost(double stored_bytes, const PriceTable& prices) {
  return stored_bytes / 1e9 * prices.per_gb_month;
}

Requests predict_requests(const WriteRate& rate, const CompactionRules& rules) {
  Requests day;
  if (rate.commits_per_day <= 0) return day;
  const double active_hours = std::clamp(std::min(rate.active_hours_per_day, rate.commits_per_day), 1.0 / 365, 24.0);
  double objects = rate.commits_per_day;
  day.puts = objects;
  for (std::uint8_t level = 1; level <= rules.levels; ++level) {
    // By count, and one more where an hour leaves at least closing_min.
    const double per_hour = objects / active_hours;
    const double left = std::fmod(per_hour, rules.fanout);
    objects = (std::floor(per_hour / rules.fanout) + (left >= rules.closing_min ? 1 : 0)) * active_hours;
    if (objects < active_hours) objects = per_hour * active_hours / rules.fanout;
    day.puts += objects;
  }
  // A batch and a look at what it did, as often as an hour's points have become too old.
  day.deletes = std::ceil(active_hours);
  day.heads = day.deletes;
  return day;
}

}  // namespace history
