// A small parser of flags. A setting is declared once: name, type, range, help text and the field it fills; flags, the
// configuration file (config_file.h), the environment (layers.h) and all texts follow from that. Its default is what
// the field holds before parsing, so help can never tell another one.
//
// Written as Go programs have it, because operators come from there: one or two dashes, "-flag value" or "-flag=value",
// a switch is "-flag" or "-flag=false", "--" ends the flags. Flags and operands may be mixed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cli {

enum class Arity : std::uint8_t { value, toggle };

// What a value is, and so how it stands in a configuration file.
enum class ValueType : std::uint8_t {
  text,         // "..."
  directories,  // ["/a", "/b"], or one "..."; several flags and file entries add up
  boolean,      // true, false
  number,       // 8080
  decimal,      // 0.005
  duration,     // "1m30s"
};
std::string_view to_string(ValueType type);

enum class Effect : std::uint8_t {
  at_restart,  // holds from the next start on
  at_reload,   // SIGHUP is enough
};

struct Setting {
  std::string name;           // without dashes
  std::string placeholder;    // "DIR", "DURATION"; empty for a switch
  std::string default_value;  // as a user would write it; empty: none
  std::string help;           // one or two sentences; allowed range included
  Arity arity = Arity::value;
  // Takes the text into its field, which must outlive the setting. A switch without "=..." gets "true".
  std::function<base::Result<>(std::string_view text)> assign;
  ValueType type = ValueType::text;
  std::string range = {};  // "1ms to 24h"; empty: anything of its type, or the placeholder lists the words
  Effect effect = Effect::at_restart;
  std::function<std::string()> current = {};                      // the field as a user would write it
  std::function<void()> clear = {};                               // of a list: takes all entries away
  std::function<base::Result<>(std::string_view text)> add = {};  // of a list: one entry, as it stands
};

// The setting of that name; null if there is none.
const Setting* find_setting(std::span<const Setting> settings, std::string_view name);

struct ParsedArguments {
  std::vector<std::string> operands;
  bool help_wanted = false;  // -help or -h was among them; then nothing else is judged
};

struct GivenFlag {
  const Setting* setting = nullptr;  // one of the span that was asked for
  std::string value;
};

struct ScannedArguments {
  std::vector<GivenFlag> given;  // in the order of the arguments
  std::vector<std::string> operands;
  bool help_wanted = false;
};

// Which flags are given, before any value is judged. Category::invalid: an unknown flag (the nearest known one is
// named) or a missing value.
base::Result<ScannedArguments> scan_flags(std::span<const Setting> settings, std::span<const std::string> arguments);

// Calls assign() of each setting that is given, in the order of the arguments. Category::invalid: an unknown flag (the
// nearest known one is named), a missing or wrong value.
base::Result<ParsedArguments> parse_flags(std::span<const Setting> settings, std::span<const std::string> arguments);

// One block per setting: flag, placeholder, default, help wrapped at 80 columns.
std::string describe(std::span<const Setting> settings);

// The candidate that differs least from `word`; empty if none is near enough to be a slip of the finger.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace cli
