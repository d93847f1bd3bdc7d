#include "cli/flags.h"

#include <algorithm>
#include <numeric>
#include <optional>

namespace cli {
namespace {

using base::Category;
using base::fail;

// "-name=value" taken apart; nullopt for an operand. A lone "-" is an operand, as everywhere.
struct FlagText {
  std::string_view name;
  std::optional<std::string_view> value;
};

std::optional<FlagText> as_flag(std::string_view argument) {
  if (argument.size() < 2 || !argument.starts_with('-')) return std::nullopt;
  argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return FlagText{argument, std::nullopt};
  return FlagText{argument.substr(0, equals), argument.substr(equals + 1)};
}

base::Error unknown_flag(std::span<const Setting> settings, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Setting& setting : settings) names.push_back(setting.name);
  std::string message = "there is no flag -" + std::string(name);
  const std::string_view near = nearest(name, names);
  if (!near.empty()) message += "; did you mean -" + std::string(near) + "?";
  return {Category::invalid, std::move(message), std::nullopt};
}

std::string missing_value(const Setting& setting) {
  return "-" + setting.name + " needs a value: -" + setting.name + " " + setting.placeholder;
}

// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row[b.size()];
}

void append_wrapped(std::string& out, std::string_view text, std::string_view indent, std::size_t columns) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (column != 0 && column + 1 + length > columns) {
      out += '\n';
      column = 0;
    }
    out += column == 0 ? indent : std::string_view(" ");
    column += column == 0 ? indent.size() : 1;
    out += text.substr(0, length);
    column += length;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  out += '\n';
}

}  // namespace

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::text:
      return "text";
    case ValueType::directories:
      return "directories";
    case ValueType::boolean:
      return "true or false";
    case ValueType::number:
      return "number";
    case ValueType::decimal:
      return "decimal number";
    case ValueType::duration:
      return "duration";
  }
  return "text";
}

const Setting* find_setting(std::span<const Setting> settings, std::string_view name) {
  const auto found = std::ranges::find(settings, name, &Setting::name);
  return found == settings.end() ? nullptr : &*found;
}

base::Result<ScannedArguments> scan_flags(std::span<const Setting> settings, std::span<const std::string> arguments) {
  ScannedArguments parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      parsed.operands.insert(parsed.operands.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                             arguments.end());
      break;
    }
    auto flag = as_flag(arguments[i]);
    if (!flag) {
      parsed.operands.push_back(arguments[i]);
      continue;
    }
    if (flag->name == "help" || flag->name == "h")
      return ScannedArguments{.given = {}, .operands = {}, .help_wanted = true};
    const Setting* setting = find_setting(settings, flag->name);
    if (setting == nullptr) return fail(unknown_flag(settings, flag->name));
    if (!flag->value && setting->arity == Arity::toggle) flag->value = "true";
    if (!flag->value) {
      // The next argument is the value, unless it is plainly a flag of ours: then the value was forgotten.
      const bool last = i + 1 == arguments.size();
      const auto next = last ? std::nullopt : as_flag(arguments[i + 1]);
      if (last || (next && find_setting(settings, next->name) != nullptr)) {
        return fail(Category::invalid, missing_value(*setting));
      }
      flag->value = arguments[++i];
    }
    if (flag->value->empty()) return fail(Category::invalid, missing_value(*setting));
    parsed.given.push_back({setting, std::string(*flag->value)});
  }
  return parsed;
}

base::Result<ParsedArguments> parse_flags(std::span<const Setting> settings, std::span<const std::string> arguments) {
  TRY_ASSIGN(ScannedArguments scanned, scan_flags(settings, arguments));
  if (scanned.help_wanted) return ParsedArguments{{}, true};
  for (const GivenFlag& flag : scanned.given) {
    if (auto assigned = flag.setting->assign(flag.value); !assigned) {
      return fail(assigned.error().with_context("-" + flag.setting->name));
    }
  }
  return ParsedArguments{std::move(scanned.operands), false};
}

std::string describe(std::span<const Setting> settings) {
  std::string text;
  for (const Setting& setting : settings) {
    text += "  -" + setting.name;
    if (!setting.placeholder.empty()) text += " " + setting.placeholder;
    if (!setting.default_value.empty()) text += "  (default " + setting.default_value + ")";
    text += '\n';
    append_wrapped(text, setting.help, "        ", 80);
  }
  return text;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace cli
