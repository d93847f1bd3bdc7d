// What the product takes from its process: randomness, the clock, the log. Here they come from the seed, from virtual
// time, and go into the trace.
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "machine.h"

namespace base {

namespace {

class VirtualClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override {
    // Not zero: a time point of zero means "long ago" to the engine.
    return SteadyTime(std::chrono::hours(1000) + std::chrono::nanoseconds(now()));
  }
  [[nodiscard]] UnixMillis unix_now() const override {
    return UnixMillis((simulation::kEpoch + now()) / simulation::kMilli);
  }

 private:
  static simulation::Nanos now() { return simulation::World::current().now(); }
};

}  // namespace

const Clock& system_clock() {
  static const VirtualClock clock;
  return clock;
}

std::uint64_t random_u64() {
  return simulation::World::current().random().next();
}
double random_unit() {
  return simulation::World::current().random().unit();
}
std::string random_hex(std::size_t digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(digits, '0');
  for (char& c : text) c = kDigits[random_u64() & 15];
  return text;
}

namespace log {

void write(Level level, std::string_view message, Fields fields) {
  simulation::World& world = simulation::World::current();
  if (!world.records_lines()) return;
  static constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
  std::string line = "daemon says [" + std::string(kLevels[static_cast<std::size_t>(level)]) + "] ";
  line += message;
  for (const Field& field : fields) line += " " + std::string(field.name) + "=" + field.value;
  world.note(std::move(line));
}

}  // namespace log

}  // namespace base
