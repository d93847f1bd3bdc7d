#include "cli/reload.h"

#include <algorithm>

#include "cli/settings.h"

namespace cli {
namespace {

// Takes what `wanted` adds; true if that is all that differs.
bool add_directories(RunDaemon& running, const RunDaemon& wanted) {
  auto& directories = running.options.watch_dirs;
  for (const auto& directory : wanted.options.watch_dirs) {
    if (std::ranges::find(directories, directory) == directories.end()) directories.push_back(directory);
  }
  return directories.size() == wanted.options.watch_dirs.size();
}

}  // namespace

Reload plan_reload(const RunDaemon& running, const RunDaemon& wanted) {
  Reload plan;
  plan.running = running;
  // The state directory is where it is, whichever directory is the first one now.
  plan.running.options.state_dir = state_directory(running.options);
  const std::size_t watched = running.options.watch_dirs.size();
  plan.client_blocks_changed = running.options.client_blocks != wanted.options.client_blocks;
  plan.running.options.client_blocks = wanted.options.client_blocks;
  plan.running.options.client = wanted.options.client;
  plan.running.options.log = wanted.options.log;
  plan.running.options.prices = wanted.options.prices;
  plan.running.options.shutdown_timeout = wanted.options.shutdown_timeout;
  const bool only_added = add_directories(plan.running, wanted);
  for (EffectiveSetting& setting : plan.running.settings) {
    const EffectiveSetting* now = find_effective(wanted.settings, setting.name);
    if (now == nullptr) continue;
    const bool same = now->holds.value == setting.holds.value;
    const SettingChange change{setting.name, setting.holds.value, now->holds.value, now->holds.origin};
    const bool directories = setting.type == ValueType::directories;
    const bool takes_effect = setting.effect == Effect::at_reload || (directories && only_added);
    if (!same && takes_effect) plan.changed.push_back(change);
    if (!same && directories && !only_added && plan.running.options.watch_dirs.size() > watched) {
      plan.changed.push_back(change);
    }
    if (!same && !takes_effect) plan.postponed.push_back(change);
    if (same || takes_effect) setting = *now;
  }
  return plan;
}

}  // namespace cli
