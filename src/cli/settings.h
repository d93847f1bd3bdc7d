// The settings of every command, declared once each. README's table and the help texts follow them.
#pragma once

#include <vector>

#include "cli/config.h"
#include "cli/flags.h"

namespace cli {

// The returned settings write into the argument, which must outlive them.
std::vector<Setting> daemon_settings(Options& options);

// What `restore` is told apart from its operand (a GUID or a URL).
std::vector<Setting> restore_settings(RestoreRequest& request);

// What `takeover` is told apart from its operands (GUIDs).
std::vector<Setting> takeover_settings(TakeoverRequest& request);

}  // namespace cli
