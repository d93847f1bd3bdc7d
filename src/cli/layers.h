// Where each setting's value comes from: its default, below the configuration file, below the environment, below the
// command line. One call does for a command what parse_flags() does for its arguments alone.
//
// The variable of -sync-interval is LITESTREAM_MANAGER_SYNC_INTERVAL. What may stand in file and environment are the
// daemon's settings; a command takes of them what it knows. Flags that only one command has (-o) are flags only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/config_check.h"
#include "cli/flags.h"
#include "cli/surroundings.h"

namespace cli {

// A value and who said it: "default", "FILE:LINE:COLUMN", "LITESTREAM_MANAGER_PORT", "-port".
struct SourcedValue {
  std::string value;
  std::string origin;
  friend bool operator==(const SourcedValue&, const SourcedValue&) = default;
};

struct EffectiveSetting {
  std::string name;
  SourcedValue holds;
  std::vector<SourcedValue> instead_of;  // what was said, too, and does not hold; the strongest first
  ValueType type = ValueType::text;
  std::string range;
  Effect effect = Effect::at_restart;

  [[nodiscard]] bool is_default() const { return holds.origin == kDefault; }
  static constexpr std::string_view kDefault = "default";
};

struct LayeredSettings {
  std::vector<std::string> operands;
  bool help_wanted = false;
  std::vector<EffectiveSetting> settings;  // in the order of their declaration
  std::vector<ClientBlock> client_blocks;
  // What file and environment have wrong, all of it; the command must not run then.
  std::vector<std::string> mistakes;
};

// Assigns every setting its strongest value. Category::invalid: a flag is unknown or lacks its value, or what it says
// is wrong; later mistakes are then not looked for.
base::Result<LayeredSettings> assign_layers(std::span<const Setting> settings, std::span<const std::string> arguments,
                                            const Surroundings& surroundings);

// "LITESTREAM_MANAGER_SYNC_INTERVAL" for "sync-interval".
std::string variable_of(std::string_view setting);

// Null if there is none of that name.
const EffectiveSetting* find_effective(std::span<const EffectiveSetting> settings, std::string_view name);

}  // namespace cli
