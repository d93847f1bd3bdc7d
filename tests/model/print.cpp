// What a person reads: a line per exploration, and counter-examples step by step.
#include <fmt/format.h>

#include "explore.h"
#include "log.h"

namespace model {

namespace {

std::string content(Content c) {
  return fmt::format("{:x}/{:x}", page_of(c, 0), page_of(c, 1));
}

std::string show(const Log& log) {
  std::string text = fmt::format("log {}{}[", log.file == LogFile::deleted ? "(deleted) " : "",
                                 log.header_generation == 0 ? "empty " : fmt::format("gen {} ", log.header_generation));
  for (const Frame& f : log.frames) {
    if (f.generation != 0) text += fmt::format("{}.p{}={:x}{} ", f.generation, f.page, f.value, f.commit ? "*" : "");
  }
  return text + fmt::format("] index gen {} mx {} bf {} counter {}{}", log.index.generation, log.index.max_frame,
                            log.index.backfilled, log.index.counter, log.index.torn ? " TORN" : "");
}

std::string show(const Knowledge& k) {
  static constexpr std::array<const char*, 3> kKinds{"unknown", "log", "closed"};
  std::string text = kKinds.at(k.kind);
  if (k.kind == 1) text += fmt::format(" gen {} frame {}", k.generation, k.frame);
  if (k.ledger_valid) text += fmt::format(" ledger {}", k.counter);
  if (k.fingerprint_complete) text += fmt::format(" fingerprint @{}", k.fingerprint_time);
  if (k.verify_closed) text += " verify";
  if (k.doubt) text += " doubt";
  return text;
}

std::string show(const Manager& m) {
  if (m.running == 0) return "down";
  std::string text = show(m.known);
  if (m.base != BasePhase::none) text += fmt::format(", base {}", static_cast<int>(m.base));
  if (m.gathered.mask != 0) text += fmt::format(", captured {}", content(m.gathered.content));
  if (m.frozen.present != 0) text += fmt::format(", uploading {}", content(m.frozen.pages.content));
  return text;
}

std::string show(const State& s) {
  std::string text =
      fmt::format("committed {} | db {} @{}", content(s.history[s.commits]), content(s.database), s.database_time);
  for (const Log& log : s.logs) {
    if (log.file != LogFile::none) text += " | " + show(log);
  }
  const int waiting = stream_mark(s);
  return text +
         fmt::format(" | {} events | engine: {} | bucket {}", waiting, show(s.manager), content(s.stored.bucket));
}

}  // namespace

std::string summary(const World& world, const Outcome& o) {
  return fmt::format("{:<10} {:<40} {:>10} states {:>11} transitions  depth {:>3}  {:>6.1f} s  {}", world.name,
                     name_of(world.fault), o.states, o.transitions, o.depth, o.seconds,
                     !o.violation.empty() ? "VIOLATION: " + o.violation
                     : o.complete         ? "holds"
                                          : "holds so far (cut)");
}

std::string readable(const World& world, const std::vector<Action>& trace) {
  State s = first_state(world);
  Findings findings;
  std::string text = fmt::format("  start: {}\n", show(s));
  int number = 0;
  for (const Action action : trace) {
    apply({s, world, findings}, action);
    text += fmt::format("  {:2} {}\n       {}\n", ++number, name_of(action), show(s));
  }
  return text;
}

}  // namespace model
