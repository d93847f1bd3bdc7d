// What of a configuration that was read again may change while the daemon runs. Pure; daemon_command.cpp does it.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace cli {

struct SettingChange {
  std::string name, before, after, origin;
  friend bool operator==(const SettingChange&, const SettingChange&) = default;
};

struct Reload {
  RunDaemon running;                     // what holds from now on: the new values where they may change, else the old
  std::vector<SettingChange> changed;    // and do so now
  std::vector<SettingChange> postponed;  // only at the next start
  bool client_blocks_changed = false;
};

// Watched directories that are new are added; giving one up is postponed.
Reload plan_reload(const RunDaemon& running, const RunDaemon& wanted);

}  // namespace cli
