#include "machine.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace simulation {

namespace {

Machine* g_machine = nullptr;

constexpr std::array<std::string_view, static_cast<std::size_t>(Fault::count)> kFaultNames = {
    "none",
    "acknowledged_before_the_answer",
    "no_fence",
    "foreign_objects_are_ours",
    "index_without_a_voucher",
    "writers_lock_is_not_seen",
    "stream_is_not_listened_to",
    "events_vanish",
    "stamps_never_change",
    "opened_in_time_always",
    "closed_at_once",
    "a_neighbour_is_removed",
    "state_forgets",
};

}  // namespace

Machine::Machine(std::uint64_t seed) : world(seed), closing(mixed(seed) + 1) {
  CHECK(g_machine == nullptr);
  g_machine = this;
  for (const char* directory : {"/simulated", "/simulated/clients", "/simulated/state"}) {
    disk.make_directory(directory);
  }
  world.on_kill = [this](Process& process) { disk.take_all_from(process); };
  world.before_ghost = [this] {
    if (indexes_.empty()) indexes_ = disk.indexes();
  };
  world.after_ghost = [this] {
    for (auto& [inode, bytes] : std::exchange(indexes_, {})) Disk::restore(*inode, bytes);
  };
}

Machine::~Machine() {
  g_machine = nullptr;
}

Machine& Machine::current() {
  CHECK(g_machine != nullptr);
  return *g_machine;
}

std::string_view name_of(Fault fault) {
  return kFaultNames.at(static_cast<std::size_t>(fault));
}

std::optional<Fault> fault_named(std::string_view name) {
  for (std::size_t i = 0; i < kFaultNames.size(); ++i) {
    if (kFaultNames.at(i) == name) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

}  // namespace simulation
