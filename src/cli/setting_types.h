// The kinds of settings, and those that several commands share: each of them writes into the field that it is given,
// which must outlive it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/config.h"
#include "cli/flags.h"
#include "history/restore_plan.h"

namespace cli {

// Puts a parsed value into its field.
template <typename T>
auto into(T& field, base::Result<T> (*parse)(std::string_view)) {
  return [&field, parse](std::string_view text) -> base::Result<> {
    TRY_ASSIGN(field, parse(text));
    return {};
  };
}

Setting text_setting(std::string name, std::string placeholder, std::string& field, std::string help);
Setting path_setting(std::string name, std::string placeholder, std::filesystem::path& field, std::string help);
Setting toggle(std::string name, bool& field, std::string help);
// "-no-x" for a field that says "x".
Setting toggle_off(std::string name, bool& field, std::string help);
Setting number_setting(std::string name, std::uint32_t& field, std::uint32_t min, std::uint32_t max,
                       const std::string& help);
Setting duration_setting(std::string name, std::chrono::milliseconds& field, std::chrono::milliseconds min,
                         std::chrono::milliseconds max, const std::string& help);

// A word out of a list, for an enum.
template <typename E, std::size_t N>
using Words = std::array<std::pair<std::string_view, E>, N>;

template <typename E, std::size_t N>
Setting word_setting(std::string name, E& field, const Words<E, N>& words, std::string help) {
  std::string list;
  for (const auto& entry : words) list += (list.empty() ? "" : "|") + std::string(entry.first);
  const auto word_of_field = [&field, words] {
    return std::string(std::ranges::find(words, field, &std::pair<std::string_view, E>::second)->first);
  };
  Setting setting{std::move(name),
                  list,
                  word_of_field(),
                  std::move(help),
                  Arity::value,
                  [&field, words, list](std::string_view text) -> base::Result<> {
                    const auto* found = std::ranges::find(words, text, &std::pair<std::string_view, E>::first);
                    if (found == words.end()) {
                      return base::fail(base::Category::invalid, "\"" + std::string(text) + "\" is not one of " + list);
                    }
                    field = found->second;
                    return {};
                  }};
  setting.range = list;
  setting.current = word_of_field;
  return setting;
}

// The same setting, for which SIGHUP is enough.
Setting at_reload(Setting setting);

Setting watch_dir_setting(std::vector<std::filesystem::path>& field);
Setting config_setting(std::filesystem::path& field);
// Which state of a database is meant: by time; by TXID, too.
Setting at_setting(history::RestoreTarget& target);
void add_target_settings(std::vector<Setting>& settings, history::RestoreTarget& target);
void add_store_settings(std::vector<Setting>& settings, StoreOptions& store);
void add_log_settings(std::vector<Setting>& settings, LogOptions& log);

}  // namespace cli
