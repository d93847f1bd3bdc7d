#include "history/cost.h"

#include <algorithm>
#include <cmath>

namespace history {

namespace {
constexpr double kGigabyte = 1ULL << 30;
}

double request_cost(const Requests& requests, const PriceTable& prices) {
  return (requests.puts * prices.put_per_1000 + requests.gets * prices.get_per_1000 +
          requests.lists * prices.list_per_1000 + requests.heads * prices.head_per_1000 +
          requests.deletes * prices.delete_per_1000) /
         1000;
}

double download_cost(double received_bytes, const PriceTable& prices) {
  return received_bytes / kGigabyte * prices.download_per_gb;
}

double storage_cost(double stored_bytes, const PriceTable& prices) {
  return stored_bytes / kGigabyte * prices.storage_per_gb_month;
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
