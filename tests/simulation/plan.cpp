#include "plan.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace simulation {

using namespace std::chrono_literals;

namespace {

template <typename T, std::size_t N>
T one_of(Random& random, const std::array<T, N>& choices) {
  return choices.at(random.below(N));
}

ApplicationPlan draw_application(Random& random) {
  ApplicationPlan plan;
  plan.page_size = one_of(random, std::array{512, 1024, 1024, 4096, 4096, 8192});
  plan.wal = random.chance(0.85);
  plan.journal = one_of(random, std::array{"DELETE", "DELETE", "TRUNCATE", "PERSIST"});
  plan.synchronous = static_cast<int>(random.between(0, 2));
  plan.autocheckpoint = one_of(random, std::array{0, 5, 20, 100, 1000});
  plan.cache_pages = random.chance(0.3) ? 3 : 0;
  plan.transactions = static_cast<int>(random.between(1, 14));
  plan.rows_max = static_cast<int>(random.between(1, 6));
  plan.bytes_max = one_of(random, std::array{40, 300, 900, 3000});
  plan.checkpoint = random.chance(0.5) ? random.unit() * 0.2 : 0;
  plan.reopen = random.chance(0.5) ? random.unit() * 0.5 : 0.02;
  plan.vacuum = random.chance(0.2) ? 0.05 : 0;
  plan.change_mode = random.chance(0.08) ? 0.1 : 0;
  plan.rollback = random.chance(0.5) ? random.unit() * 0.3 : 0;
  plan.pause_long = random.chance(0.5) ? random.unit() * 0.2 : 0;
  plan.long_pause = one_of(random, std::array<Nanos, 3>{300 * kMilli, 3 * kSecond, 12 * kSecond});
  return plan;
}

TenantPlan draw_tenant(Random& random) {
  TenantPlan plan;
  plan.application = draw_application(random);
  plan.phases = static_cast<int>(random.between(1, 3));
  plan.processes = static_cast<int>(random.between(1, 3));
  if (random.chance(0.4)) plan.kill = random.unit() * 0.6;
  if (random.chance(0.25)) plan.kill_at_step = 0.002;
  if (random.chance(0.15)) plan.replace = 0.5;
  if (random.chance(0.15)) plan.recreate = 0.5;
  return plan;
}

FaultRates draw_faults(Random& random, double most) {
  FaultRates rates;
  for (double* rate : {&rates.open, &rates.read, &rates.write, &rates.sync, &rates.stat, &rates.name}) {
    if (random.chance(0.5)) *rate = random.unit() * random.unit() * most;
  }
  return rates;
}

StorePlan draw_store(Random& random) {
  StorePlan plan;
  plan.latency_max = one_of(random, std::array<Nanos, 4>{kMilli, 5 * kMilli, 40 * kMilli, 300 * kMilli});
  if (random.chance(0.4)) plan.fail_before = random.unit() * 0.3;
  if (random.chance(0.4)) plan.fail_after = random.unit() * 0.3;
  if (random.chance(0.2)) plan.land_later = random.unit() * 0.1;
  return plan;
}

DaemonPlan draw_daemon(Random& random) {
  DaemonPlan plan;
  plan.workers = static_cast<int>(random.between(1, 3));
  plan.sync_interval_ms = one_of(random, std::array<std::int64_t, 5>{0, 0, 20, 200, 1000});
  plan.cold_after_ms = one_of(random, std::array<std::int64_t, 3>{1500, 5000, 60'000});
  plan.switch_to_wal = random.chance(0.7);
  if (random.chance(0.3)) plan.page_set_bytes = 4096;
  if (random.chance(0.2)) plan.memory_limit_bytes = 20'000;
  plan.start_after = random.chance(0.7) ? 0 : random.between(0, 3 * kSecond);
  if (random.chance(0.3)) plan.kills = static_cast<int>(random.between(1, 3));
  if (random.chance(0.2)) plan.clean_stops = 1;
  if (random.chance(0.1)) plan.kill_at_step = 0.0005;
  plan.state_is_lost = random.chance(0.05);
  plan.compaction.fanout = static_cast<std::uint32_t>(random.between(2, 12));
  plan.compaction.closing_min = std::min(plan.compaction.fanout, plan.compaction.closing_min);
  plan.compaction.plan_objects_max = 4 * plan.compaction.fanout;
  if (random.chance(0.5)) plan.compaction.plan_bytes_floor = 4096;
  plan.retention.off = random.chance(0.1);
  plan.retention.window = one_of(random, std::array{1h, 3h, 24h});
  plan.retention.hourly = one_of(random, std::array{0h, 12h, 48h});
  return plan;
}

}  // namespace

Plan draw_plan(std::uint64_t seed) {
  Random random(mixed(seed) ^ 0x706c616e);
  Plan plan;
  const std::int64_t tenants = random.chance(0.7) ? 1 : random.between(2, 4);
  for (std::int64_t i = 0; i < tenants; ++i) plan.tenants.push_back(draw_tenant(random));
  if (random.chance(0.002)) {  // a large fleet, of small tenants
    plan.tenants.assign(static_cast<std::size_t>(random.between(100, 300)), draw_tenant(random));
    for (TenantPlan& tenant : plan.tenants) {
      tenant.phases = tenant.processes = 1;
      tenant.application.transactions = static_cast<int>(random.between(1, 4));
    }
  }
  plan.daemon = draw_daemon(random);
  plan.store = draw_store(random);
  plan.watch.reaction_max = one_of(random, std::array<Nanos, 3>{50 * kMicro, 300 * kMicro, 5 * kMilli});
  if (random.chance(0.3)) plan.watch.late_chance = 0.1;
  if (random.chance(0.1)) plan.watch.kernel_limit = static_cast<std::size_t>(random.between(4, 60));
  if (random.chance(0.2)) plan.application_faults = draw_faults(random, 0.01);
  if (random.chance(0.25)) plan.daemon_faults = draw_faults(random, 0.03);
  if (random.chance(0.15)) {
    const Nanos begin = random.between(0, 5 * kSecond);
    const Nanos length =
        random.chance(0.3) ? random.between(kSecond, 4 * 3600 * kSecond) : random.between(0, 40 * kSecond);
    plan.outages.push_back({begin, begin + length, random.chance(0.5) ? Outage::refuses : Outage::swallows});
  }
  if (plan.daemon.state_is_lost) plan.store.land_later = 0;
  if (random.chance(0.1)) {
    plan.power_cuts = static_cast<int>(random.between(1, 2));
    // With less an application's database may be damaged by a power cut, as SQLite's manual says.
    for (TenantPlan& tenant : plan.tenants) tenant.application.synchronous = 2;
  }
  if (random.chance(0.04)) {  // days pass
    plan.tick = 30 * kSecond;
    for (TenantPlan& tenant : plan.tenants) {
      tenant.poll = 10 * kSecond;
      tenant.application.transactions *= 2;
      tenant.application.pause_long = random.unit();
      tenant.application.long_pause = random.between(5 * 60 * kSecond, 12 * 3600 * kSecond);
    }
    plan.store.lies_about_removals = random.chance(0.05);
  }
  plan.stall_chance = one_of(random, std::array{0.0005, 0.003, 0.02});
  return plan;
}

std::string Plan::text() const {
  std::string text = fmt::format(
      "{} tenants; workers {}, sync interval {} ms, cold after {} ms, memory {} bytes, kills {}, clean stops {}, "
      "state lost: {}; store: fails {:.2f}, loses answers {:.2f}, lands later {:.2f}; {} outages; kernel queue {}",
      tenants.size(), daemon.workers, daemon.sync_interval_ms, daemon.cold_after_ms, daemon.memory_limit_bytes,
      daemon.kills, daemon.clean_stops, daemon.state_is_lost, store.fail_before, store.fail_after, store.land_later,
      outages.size(), watch.kernel_limit);
  for (std::size_t i = 0; i < std::min<std::size_t>(tenants.size(), 4); ++i) {
    const TenantPlan& t = tenants[i];
    text += fmt::format(
        "\ntenant {}: page size {}, {}, synchronous {}, autocheckpoint {}, {} phases of {} processes with {} "
        "transactions, kill {:.2f}, replace {:.2f}, recreate {:.2f}",
        i, t.application.page_size, t.application.wal ? "WAL" : t.application.journal, t.application.synchronous,
        t.application.autocheckpoint, t.phases, t.processes, t.application.transactions, t.kill, t.replace, t.recreate);
  }
  return text;
}

}  // namespace simulation
