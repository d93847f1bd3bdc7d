// What `explain` writes: settings with their values and origins, as a table or as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/layers.h"

namespace cli {

struct ExplainedClient {
  std::string id;
  std::string path;  // below its watched directory; empty: no such file is there, so only its id was compared
};

struct Explanation {
  std::vector<EffectiveSetting> settings;
  std::vector<ClientBlock> client_blocks;
  std::vector<std::string> mistakes;
  std::optional<ExplainedClient> client;
};

std::string explanation_text(const Explanation& explanation);
// {"settings": [{"name", "value" (a text; null: not set), "type", "range", "origin", "effect": "reload"|"restart",
// "insteadOf": [{"value", "origin"}]}], "clientBlocks": [{"match", "origin"}], "mistakes": [...],
// "client": null|{"id", "path"}}
std::string explanation_json(const Explanation& explanation);

}  // namespace cli
