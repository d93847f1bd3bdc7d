// A small parser of flags. A setting is declared once: name, placeholder, help text and the field it fills. Its default
// is what the field holds before parsing, so help can never tell another one.
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

struct Setting {
  std::string name;           // without dashes
  std::string placeholder;    // "DIR", "DURATION"; empty for a switch
  std::string default_value;  // as a user would write it; empty: none
  std::string help;           // one or two sentences; allowed range included
  Arity arity = Arity::value;
  // Takes the text into its field, which must outlive the setting. A switch without "=..." gets "true".
  std::function<base::Result<>(std::string_view text)> assign;
};

struct ParsedArguments {
  std::vector<std::string> operands;
  bool help_wanted = false;  // -help or -h was among them; then nothing else is judged
};

// Calls assign() of each setting that is given, in the order of the arguments. Category::invalid: an unknown flag (the
// nearest known one is named), a missing or wrong value.
base::Result<ParsedArguments> parse_flags(std::span<const Setting> settings, std::span<const std::string> arguments);

// One block per setting: flag, placeholder, default, help wrapped at 80 columns.
std::string describe(std::span<const Setting> settings);

// The candidate that differs least from `word`; empty if none is near enough to be a slip of the finger.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace cli
