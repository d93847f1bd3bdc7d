// Settings that are right each for itself and senseless together.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/layers.h"

namespace cli {

// Each: what does not go together, who said it, and how to mend it. `effective` tells the latter.
std::vector<std::string> find_contradictions(const Options& options, std::span<const EffectiveSetting> effective);

}  // namespace cli
