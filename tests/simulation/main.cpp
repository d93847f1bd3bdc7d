// simulation [--seeds N] [--from N | --seed S] [--minutes M] [--jobs J] [--trace] [--fault NAME]
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "seed.h"

int main(int argc, char** argv) {
  std::uint64_t from = 1, seeds = 1000;
  simulation::SeedOptions options;
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    auto num = [&] {
      std::uint64_t v = 0;
      std::string_view t = argv[++i];
      std::from_chars(t.data(), t.data() + t.size(), v);
      return v;
    };
    if (a == "--from") from = num();
    if (a == "--seeds") seeds = num();
    if (a == "--seed") {
      from = num();
      seeds = 1;
    }
    if (a == "--trace") trace = options.lines = true;
    if (a == "--fault") options.fault = *simulation::fault_named(argv[++i]);
  }
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t states = 0, objects = 0, steps = 0, bad = 0, errors = 0, tx = 0, kills = 0, daemons = 0;
  double vs = 0;
  for (std::uint64_t s = from; s < from + seeds; ++s) {
    const auto out = simulation::run_seed(s, options);
    states += out.states;
    objects += out.objects;
    steps += out.steps;
    errors += out.applications.errors;
    tx += out.applications.transactions;
    kills += out.kills;
    daemons += out.daemons;
    vs += out.virtual_seconds;
    if (trace) {
      fmt::print("{}\n", out.plan);
      for (auto& l : out.lines) fmt::print("{}\n", l);
      fmt::print("hash {:016x}\n", out.trace_hash);
    }
    if (!out.violation.empty()) {
      fmt::print("seed {}: {}\n", s, out.violation);
      ++bad;
    }
    std::fflush(stdout);
  }
  const double t = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print(
      "{} seeds, {} bad, {:.1f} s, {:.0f} seeds/min; {} states {} objects {} steps {} tx {} errors {} kills {} "
      "daemons, {:.0f} virtual s\n",
      seeds, bad, t, static_cast<double>(seeds) / t * 60, states, objects, steps, tx, errors, kills, daemons, vs);
}
