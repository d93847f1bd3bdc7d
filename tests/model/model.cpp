// The model check as a command, for larger bounds than the tests have time for; README.md explains it.
#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "explore.h"
#include "worlds.h"

namespace model {
namespace {

constexpr std::string_view kUsage =
    "model [WORLD...] [--large] [--set BOUND=N]... [--fault NAME] [--states N]\n"
    "  explores the worlds named (default: all of them) and prints states and transitions; a counter-example step by\n"
    "  step. --large takes the larger bounds, --states gives up after so many, --list shows worlds, bounds and "
    "faults.\n";

struct Options {
  std::vector<std::string_view> names;
  std::vector<std::pair<Budget, Byte>> bounds;
  Fault fault = Fault::none;
  std::uint64_t states = std::numeric_limits<std::uint64_t>::max();
  bool large = false, list = false;
};

template <typename T>
bool parse(std::string_view text, T& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

bool parse_bound(std::string_view text, Options& options) {
  const std::size_t equals = text.find('=');
  Byte times = 0;
  if (equals == std::string_view::npos || !parse(text.substr(equals + 1), times)) return false;
  for (int i = 0; i < kBudgets; ++i) {
    const auto budget = static_cast<Budget>(i);
    if (name_of(budget) != text.substr(0, equals)) continue;
    options.bounds.emplace_back(budget, times);
    return true;
  }
  return false;
}

bool parse_fault(std::string_view text, Options& options) {
  for (int i = 0; i < static_cast<int>(Fault::count); ++i) {
    options.fault = static_cast<Fault>(i);
    if (name_of(options.fault) == text) return true;
  }
  return false;
}

std::optional<Options> parse(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::string_view value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (argument == "--large") {
      options.large = true;
    } else if (argument == "--list") {
      options.list = true;
    } else if (!argument.starts_with("--")) {
      options.names.push_back(argument);
    } else {
      ++i;
      const bool good = (argument == "--set" && parse_bound(value, options)) ||
                        (argument == "--fault" && parse_fault(value, options)) ||
                        (argument == "--states" && parse(value, options.states));
      if (!good) return std::nullopt;
    }
  }
  return options;
}

void list(const std::vector<World>& all) {
  for (const World& world : all) {
    fmt::print("{:<10} {}\n          ", world.name, world.stresses);
    for (int i = 0; i < kBudgets; ++i) {
      const Byte most = world.most[static_cast<std::size_t>(i)];
      if (most > 0) fmt::print(" {}={}", name_of(static_cast<Budget>(i)), most);
    }
    fmt::print("\n");
  }
  for (int i = 1; i < static_cast<int>(Fault::count); ++i) fmt::print("fault {}\n", name_of(static_cast<Fault>(i)));
}

bool wanted(const World& world, const Options& options) {
  if (options.names.empty()) return true;
  for (const std::string_view name : options.names) {
    if (name == world.name) return true;
  }
  return false;
}

int run(const Options& options) {
  const std::vector<World> all = options.large ? large_worlds() : worlds();
  if (options.list) {
    list(all);
    return 0;
  }
  bool holds = true;
  std::size_t explored = 0;
  for (World world : all) {
    if (!wanted(world, options)) continue;
    ++explored;
    for (const auto& [budget, times] : options.bounds) world.most[budget] = times;
    world.fault = options.fault;
    const Outcome outcome = explore(world, options.states);
    fmt::print("{}\n", summary(world, outcome));
    if (!outcome.violation.empty()) fmt::print("{}", readable(world, outcome.trace));
    std::fflush(stdout);
    holds = holds && outcome.violation.empty();
  }
  if (explored == 0) fmt::print(stderr, "there is no such world; --list shows them\n");
  return holds && explored > 0 ? 0 : 1;
}

}  // namespace
}  // namespace model

int main(int argc, char** argv) {
  const auto options = model::parse(std::vector<std::string_view>(argv + 1, argv + argc));
  if (!options) {
    fmt::print(stderr, "{}", model::kUsage);
    return 2;
  }
  return model::run(*options);
}
