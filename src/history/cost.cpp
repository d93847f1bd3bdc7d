#include "history/cost.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ratio>

namespace history {

namespace {
constexpr double kGigabyte = 1ULL << 30;

// Objects of level 0 in a merge: more than a fanout where as many come in a burst, on average as many as the plan has
// room for beside half of what the levels above may hold.
double raw_fanout(double per_hour, const CompactionRules& rules) {
  const double fanout = rules.fanout;
  const double room = rules.plan_objects_max - fanout - 1 - 0.5 * (fanout - 1) * (rules.levels - 1);
  const double in_burst = per_hour * std::chrono::duration<double, std::ratio<3600>>(rules.burst).count();
  return std::max(fanout, std::min({in_burst, room, static_cast<double>(rules.burst_fanout)}));
}
}  // namespace

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
    const double fanout = level == 1 ? raw_fanout(per_hour, rules) : rules.fanout;
    const double by_count = std::floor(per_hour / fanout);
    const bool left_over = std::fmod(per_hour, fanout) >= rules.closing_min;
    objects = (by_count + (left_over ? 1 : 0)) * active_hours;
    if (objects < active_hours) objects = per_hour * active_hours / fanout;
    // Above level 1 those that are made by count are made in the place of their last input.
    day.puts += level == 1 ? objects : std::max(0.0, objects - by_count * active_hours);
  }
  // A batch and a look at what it did, as often as an hour's points have become too old.
  day.deletes = std::ceil(active_hours);
  day.heads = day.deletes;
  return day;
}

}  // namespace history
