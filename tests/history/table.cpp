// Prints what each pattern of writing costs, ours beside Litestream's own schedule: the table of decision 0011.
//   history_table [PATTERN]                     patterns whose name begins with it; default all
//   history_table --steady SECONDS PAGES DAYS   a commit each so many seconds; a line of JSON
//   (tests/bench/bench_bill.py)
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "daemon.h"
#include "litestream.h"

namespace history::model {
namespace {

void print_head() {
  fmt::print("{:<33}{:<11}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}{:>6}{:>7}\n", "pattern", "", "req/day", "puts",
             "gets", "snaps", "objects", "MB mean", "image MB", "MB up", "plan", "factor");
}

template <typename Program>
void print(std::string_view who, const Pattern& pattern, const Program& program) {
  const Figures& f = program.figures();
  const auto per_day = [&](std::uint64_t n) { return static_cast<double>(n) / pattern.days; };
  const auto image_bytes = program.written().image_bytes(program.written().newest());
  fmt::print("{:<33}{:<11}{:>8.0f}{:>8.0f}{:>8.1f}{:>8.2f}{:>8}{:>9.1f}{:>9.1f}{:>9.1f}{:>6}{:>7.2f}\n", pattern.name,
             who, per_day(f.requests()), per_day(f.puts), per_day(f.gets), per_day(f.snapshots), f.objects_max,
             f.stored_byte_days / pattern.days / 1e6, static_cast<double>(image_bytes) / 1e6,
             per_day(f.uploaded_bytes) / 1e6, f.plan_objects_max, f.plan_factor_max);
}

template <typename Program>
void run(Program& program, const Pattern& pattern) {
  Commit commit;
  const auto end = kStart + std::chrono::days{pattern.days};
  for (std::uint64_t i = 0; pattern.next(i, commit) && commit.time < end; ++i) program.commit(commit);
  program.pass(end);
}

// Of a day, on average; stored bytes on the last one.
template <typename Program>
void print_json(std::string_view who, const Pattern& pattern, Program& program) {
  Commit commit;
  const auto end = kStart + std::chrono::days{pattern.days};
  std::uint64_t commits = 0;
  for (std::uint64_t i = 0; pattern.next(i, commit) && commit.time < end; ++i, ++commits) program.commit(commit);
  program.pass(end);
  const Figures& f = program.figures();
  std::uint64_t stored = 0;
  for (const Object& object : program.inventory().objects()) stored += object.size_bytes;
  const auto per_day = [&](std::uint64_t n) { return static_cast<double>(n) / pattern.days; };
  fmt::print(
      R"("{}": {{"commits": {}, "puts": {}, "gets": {}, "lists": {}, "heads": {}, "deletes": {}, "snapshots": {}, )"
      R"("uploaded_bytes": {}, "downloaded_bytes": {}, "stored_bytes": {}, "objects": {}}})",
      who, per_day(commits), per_day(f.puts), per_day(f.gets), per_day(f.lists), per_day(f.heads), per_day(f.deletes),
      per_day(f.snapshots), per_day(f.uploaded_bytes), per_day(f.downloaded_bytes), stored, program.inventory().size());
}

void print_steady(double seconds, std::uint32_t pages, int days) {
  const Pattern pattern = steady_pattern(base::UnixMillis(static_cast<std::int64_t>(seconds * 1000)), pages, days);
  Daemon ours(pattern, {});
  Litestream theirs(pattern);
  fmt::print("{{");
  print_json("ours", pattern, ours);
  fmt::print(", ");
  print_json("litestream", pattern, theirs);
  fmt::print(", \"image_bytes\": {}}}\n", ours.written().image_bytes(ours.written().newest()));
}

}  // namespace
}  // namespace history::model

int main(int argc, char** argv) {
  using namespace history::model;
  if (argc == 5 && std::string_view(argv[1]) == "--steady") {
    print_steady(std::strtod(argv[2], nullptr), static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)),
                 static_cast<int>(std::strtol(argv[4], nullptr, 10)));
    return 0;
  }
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  print_head();
  for (const Pattern& pattern : all_patterns()) {
    if (!pattern.name.starts_with(wanted)) continue;
    Daemon ours(pattern, {});
    run(ours, pattern);
    print("ours", pattern, ours);
    Litestream theirs(pattern);
    run(theirs, pattern);
    print("Litestream", pattern, theirs);
  }
}
