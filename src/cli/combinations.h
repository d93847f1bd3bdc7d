// Settings that are right each for itself and senseless together.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/config_check.h"
#include "cli/layers.h"

namespace cli {

// What one [[client]] block says that makes no sense together with what holds for all; with its place.
std::vector<std::string> find_contradictions(const ClientBlock& block, const engine::ClientPolicy& for_all);

// Each: what does not go together, who said it, and how to mend it. `effective` tells the latter.
std::vector<std::string> find_contradictions(const Options& options, std::span<const EffectiveSetting> effective);

}  // namespace cli
