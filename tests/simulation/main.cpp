// The command: runs seeds, prints what was found and how to see it again. Exit code 0: nothing was found, 1: something
// was, 2: wrong usage.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

namespace {

constexpr std::string_view kUsage =
    "simulation [--seeds N] [--from N] [--minutes M] [--jobs J] [--fault NAME]\n"
    "simulation --seed N [--trace] [--fault NAME]\n"
    "  --seeds N    how many (default 1000), from --from N on (default 1)\n"
    "  --minutes M  as many as can be run in that time, instead of --seeds\n"
    "  --jobs J     on so many processes (default 1)\n"
    "  --seed N     one seed; --trace: with everything that happens in it\n"
    "  --fault NAME with a mistake built into what the engine sees; \"list\" lists them\n";

struct Arguments {
  std::uint64_t from = 1, seeds = 1000, minutes = 0, jobs = 1;
  simulation::SeedOptions options;
};

bool parse_number(std::string_view text, std::uint64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_fault(std::string_view name, simulation::Fault& into) {
  const auto fault = simulation::fault_named(name);
  if (fault) into = *fault;
  return fault.has_value();
}

bool parse(const std::vector<std::string_view>& words, Arguments& into) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--trace") {
      into.options.lines = true;
      continue;
    }
    if (i + 1 == words.size()) return false;
    const std::string_view name = words[i];
    const std::string_view value = words[++i];
    bool good = false;
    if (name == "--seeds") good = parse_number(value, into.seeds);
    if (name == "--from") good = parse_number(value, into.from);
    if (name == "--minutes") good = parse_number(value, into.minutes);
    if (name == "--jobs") good = parse_number(value, into.jobs) && into.jobs > 0;
    if (name == "--fault") good = parse_fault(value, into.options.fault);
    if (name == "--seed") {
      good = parse_number(value, into.from);
      into.seeds = 1;
    }
    if (!good) return false;
  }
  return true;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

// Every `jobs`-th seed, beginning with the `job`-th.
simulation::Totals run(const Arguments& arguments, std::uint64_t job) {
  simulation::Totals totals;
  const double end = now() + 60 * static_cast<double>(arguments.minutes);
  for (std::uint64_t i = job; arguments.minutes > 0 ? now() < end : i < arguments.seeds; i += arguments.jobs) {
    const simulation::Outcome outcome = simulation::run_seed(arguments.from + i, arguments.options);
    totals.add(outcome);
    if (arguments.options.lines) {
      say(outcome.plan + "\n");
      for (const std::string& line : outcome.lines) say(line + "\n");
      say(fmt::format("trace {:016x}\n", outcome.trace_hash));
    }
    if (!outcome.violation.empty()) say(text_of(outcome, arguments.options.fault));
  }
  return totals;
}

// SQLite's settings are those of a process, so seeds run at the same time in processes.
simulation::Totals run_all(const Arguments& arguments) {
  if (arguments.jobs == 1) return run(arguments, 0);
  std::vector<int> results;
  for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) return {};
    if (::fork() == 0) {
      const simulation::Totals totals = run(arguments, job);
      const bool written = ::write(ends[1], &totals, sizeof totals) == sizeof totals;
      ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    results.push_back(ends[0]);
  }
  simulation::Totals all;
  for (const int result : results) {
    simulation::Totals part;
    if (::read(result, &part, sizeof part) == sizeof part) {
      all.add(part);
    } else {
      say("a process of this run died\n");
      ++all.violations;
    }
    ::close(result);
  }
  while (::wait(nullptr) > 0) {
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "--fault" && words[1] == "list") {
    for (int i = 1; i < static_cast<int>(simulation::Fault::count); ++i) {
      say(std::string(name_of(static_cast<simulation::Fault>(i))) + "\n");
    }
    return 0;
  }
  Arguments arguments;
  if (!parse(words, arguments)) {
    std::fputs(std::string(kUsage).c_str(), stderr);
    return 2;
  }
  const double begin = now();
  const simulation::Totals totals = run_all(arguments);
  say(text_of(totals, now() - begin));
  return totals.violations == 0 ? 0 : 1;
}
