#include "history/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace history {

namespace {

using Days = std::chrono::duration<double, std::chrono::days::period>;

constexpr double kUnknownPower = 0.8;            // of the commits in an object, where nothing is measured
constexpr double kPartBytes = 8.0 * (1U << 20);  // of a large upload
constexpr double kPartsAbove = 64.0 * (1U << 20);
constexpr double kReadBytes = 4.0 * (1U << 20);  // in one request, of what is not in the cache
constexpr double kWeek = 7;
constexpr double kMonth = 30;
constexpr double kMonthOff = 30;

// How many days apart the ends of merged objects are, from single commits to those of a month.
std::vector<double> steps_of(const Writing& writing, const CompactionRules& rules) {
  const double commit = 1 / writing.commits_per_day;
  const double hour = 1 / writing.active_hours_per_day;
  std::vector<double> steps{commit};
  for (const double next : {commit * rules.fanout, hour, hour * rules.fanout, 1.0, kWeek, kMonth}) {
    if (next >= 1.5 * steps.back()) steps.push_back(next);
  }
  return steps;
}

// What was merged since a snapshot `days` ago, as the newest plan has it: months, weeks, days and hours that are over,
// each by itself.
double tail_bytes(double days, const Writing& writing, const ObjectSizes& sizes) {
  double bytes = 0;
  const double shortest = 1 / writing.commits_per_day;
  for (const double step : {kMonth, kWeek, 1.0, 1 / writing.active_hours_per_day, shortest}) {
    const double whole = step >= shortest ? std::floor(days / step) : 0;
    bytes += whole * sizes.of(writing.commits_per_day * step);
    days -= whole * step;
  }
  return bytes;
}

// Days until the merged objects weigh as much as the image, or are too many.
double snapshot_every(const Writing& writing, const ObjectSizes& sizes, const CompactionRules& rules) {
  const double limit = std::max(sizes.image() * rules.tail_factor, static_cast<double>(rules.plan_bytes_floor));
  const double largest = std::pow(rules.fanout, rules.levels);
  const double left = rules.plan_objects_max - rules.fanout - 0.5 * (rules.fanout - 1) * rules.levels;
  const double by_count = left * std::min(largest, writing.commits_per_day * kMonth) / writing.commits_per_day;
  const double step = std::max(1 / writing.commits_per_day, 1.0 / 24);
  double days = step;
  while (days < by_count && tail_bytes(days, writing, sizes) < limit) days += std::max(step, days / 50);
  return days;
}

struct Tier {
  double begin, end;  // ages in days
  double spacing;     // between kept points
};

double stored_bytes(const Writing& writing, const ObjectSizes& sizes, const RetentionPolicy& policy,
                    const CompactionRules& rules, double snapshot_days) {
  const auto days = [](std::chrono::milliseconds time) { return Days(time).count(); };
  const std::vector<double> steps = steps_of(writing, rules);
  std::vector<Tier> tiers;
  double reached = 0;
  const auto add = [&](double end, double spacing) {
    if (end <= reached) return;
    tiers.push_back({reached, end, std::max(spacing, steps.front())});
    reached = end;
  };
  add(policy.off ? kMonthOff : days(policy.window), 0);
  if (!policy.off) {
    add(days(policy.hourly), 1 / writing.active_hours_per_day);
    add(days(policy.daily), 1);
    add(days(policy.weekly), kWeek);
    add(days(policy.monthly), kMonth);
  }
  double bytes = sizes.image();
  for (const Tier& tier : tiers) {
    const double length = tier.end - tier.begin;
    const double between_snapshots = std::max(tier.spacing, snapshot_days);
    bytes += length / between_snapshots * sizes.image();
    if (tier.spacing >= snapshot_days) {  // each point has a snapshot and half of what comes before the next one
      bytes += length / tier.spacing * tail_bytes(snapshot_days / 2, writing, sizes);
      continue;
    }
    for (const double step : steps) {
      if (step < 0.99 * tier.spacing || step >= snapshot_days) continue;
      bytes += length / step * sizes.of(writing.commits_per_day * step);
    }
  }
  return bytes;
}

}  // namespace

ObjectSizes::ObjectSizes(double commit_bytes, double image_bytes)
    : known_{{1, commit_bytes}}, image_bytes_(std::max(image_bytes, commit_bytes)) {}

ObjectSizes ObjectSizes::from_sums(std::span<const LevelSum> levels, double image_bytes) {
  ObjectSizes sizes(0, image_bytes);
  sizes.known_.clear();
  for (const LevelSum& level : levels) {
    if (level.objects < 1) continue;
    const Known known{level.commits / level.objects, level.bytes / level.objects};
    if (!sizes.known_.empty() && known.commits <= sizes.known_.back().commits) continue;
    sizes.known_.push_back(known);
  }
  if (sizes.known_.empty()) sizes.known_.push_back({1, 0});
  return sizes;
}

ObjectSizes ObjectSizes::measure(std::span<const Object> objects, double image_bytes) {
  std::array<LevelSum, Inventory::kLevels> levels{};
  const Object* image = nullptr;
  for (const Object& object : objects) {
    if (is_image(object)) {
      if (image == nullptr || image->max < object.max) image = &object;
      continue;
    }
    LevelSum& sum = levels.at(object.level.value);
    ++sum.objects;
    sum.commits += static_cast<double>(object.max.value - object.min.value + 1);
    sum.bytes += static_cast<double>(object.size_bytes);
  }
  return from_sums(levels, image != nullptr ? static_cast<double>(image->size_bytes) : image_bytes);
}

double ObjectSizes::of(double commits) const {
  const auto above = std::ranges::find_if(known_, [&](const Known& known) { return known.commits >= commits; });
  const auto by_power = [&](const Known& from, double power) {
    return from.bytes * std::pow(std::max(commits, 1.0) / from.commits, power);
  };
  double bytes = 0;
  if (above == known_.begin()) {
    bytes = above->commits <= std::max(commits, 1.0) ? above->bytes : by_power(*above, kUnknownPower);
  } else {
    const Known& below = *(above - 1);
    const Known* next = above == known_.end() ? nullptr : &*above;
    double power = kUnknownPower;
    if (next != nullptr && next->bytes > below.bytes) {
      power = std::log(next->bytes / below.bytes) / std::log(next->commits / below.commits);
    } else if (next == nullptr && known_.size() > 1) {  // as it went lately
      const Known& before = *(above - 2);
      if (below.bytes > before.bytes) {
        power = std::log(below.bytes / before.bytes) / std::log(below.commits / before.commits);
      }
    }
    bytes = by_power(below, std::clamp(power, 0.0, 1.0));
  }
  return std::min(bytes, image_bytes_);
}

Requests Forecast::requests() const {
  return {.puts = captures + merges + snapshot_requests,
          .gets = snapshot_reads,
          .lists = 0,
          .heads = heads,
          .deletes = deletes};
}

Forecast forecast(const Writing& writing, const ObjectSizes& sizes, const RetentionPolicy& policy,
                  const CompactionRules& rules) {
  Forecast day;
  day.stored_bytes = sizes.image();
  if (writing.commits_per_day <= 0) return day;
  Writing steady = writing;
  steady.active_hours_per_day =
      std::clamp(std::min(writing.active_hours_per_day, writing.commits_per_day), 1.0 / 365, 24.0);
  const Requests requests = predict_requests(
      {.commits_per_day = steady.commits_per_day, .active_hours_per_day = steady.active_hours_per_day}, rules);
  day.captures = steady.commits_per_day;
  day.merges = requests.puts - day.captures;
  const double snapshot_days = snapshot_every(steady, sizes, rules);
  day.snapshots = 1 / snapshot_days;
  const double parts = sizes.image() > kPartsAbove ? 3 + std::ceil(sizes.image() / kPartBytes) : 1;
  day.snapshot_requests = day.snapshots * parts;
  day.snapshot_reads = day.snapshots * std::ceil(2 * sizes.image() / kReadBytes);
  if (!policy.off) {
    day.deletes = requests.deletes;
    day.heads = requests.heads;
  }
  day.stored_bytes = stored_bytes(steady, sizes, policy, rules, snapshot_days);
  return day;
}

}  // namespace history
