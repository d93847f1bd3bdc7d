#include "cli/setting_types.h"

#include <charconv>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/point_in_time.h"
#include "cli/settings.h"
#include "cli/values.h"
#include "storage/bucket_url.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr Words<base::log::Level, 4> kLogLevels{{{"debug", base::log::Level::debug},
                                                 {"info", base::log::Level::info},
                                                 {"warn", base::log::Level::warn},
                                                 {"error", base::log::Level::error}}};
constexpr Words<base::log::Format, 2> kLogFormats{
    {{"text", base::log::Format::text}, {"json", base::log::Format::json}}};
std::string text_of(bool value) {
  return value ? "true" : "false";
}

void add_once(std::vector<std::filesystem::path>& list, const std::filesystem::path& directory) {
  if (std::ranges::find(list, directory) == list.end()) list.push_back(directory);
}

}  // namespace

Setting text_setting(std::string name, std::string placeholder, std::string& field, std::string help) {
  Setting setting{std::move(name),
                  std::move(placeholder),
                  field,
                  std::move(help),
                  Arity::value,
                  [&field](std::string_view text) -> Result<> {
                    field = text;
                    return {};
                  }};
  setting.current = [&field] { return field; };
  return setting;
}

Setting path_setting(std::string name, std::string placeholder, std::filesystem::path& field, std::string help) {
  Setting setting{std::move(name),
                  std::move(placeholder),
                  field.string(),
                  std::move(help),
                  Arity::value,
                  [&field](std::string_view text) -> Result<> {
                    field = text;
                    return {};
                  }};
  setting.current = [&field] { return field.string(); };
  return setting;
}

Setting toggle(std::string name, bool& field, std::string help) {
  Setting setting{std::move(name), "", "", std::move(help), Arity::toggle, into(field, parse_bool)};
  setting.type = ValueType::boolean;
  setting.current = [&field] { return text_of(field); };
  return setting;
}

Setting toggle_off(std::string name, bool& field, std::string help) {
  Setting setting{std::move(name), "", "", std::move(help), Arity::toggle, [&field](std::string_view text) -> Result<> {
                    TRY_ASSIGN(const bool off, parse_bool(text));
                    field = !off;
                    return {};
                  }};
  setting.type = ValueType::boolean;
  setting.current = [&field] { return text_of(!field); };
  return setting;
}

Setting number_setting(std::string name, std::uint32_t& field, std::uint32_t min, std::uint32_t max,
                       const std::string& help) {
  const std::string range = std::to_string(min) + " to " + std::to_string(max);
  Setting setting{std::move(name),
                  "N",
                  std::to_string(field),
                  help + " " + range + ".",
                  Arity::value,
                  [&field, min, max, range](std::string_view text) -> Result<> {
                    std::uint32_t number = 0;
                    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
                    if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
                      return fail(Category::invalid, "\"" + std::string(text) + "\" is not a number of " + range);
                    }
                    field = number;
                    return {};
                  }};
  setting.type = ValueType::number;
  setting.range = range;
  setting.current = [&field] { return std::to_string(field); };
  return setting;
}

Setting duration_setting(std::string name, std::chrono::milliseconds& field, std::chrono::milliseconds min,
                         std::chrono::milliseconds max, const std::string& help) {
  const std::string range = format_duration(min) + " to " + format_duration(max);
  Setting setting{std::move(name),
                  "DURATION",
                  format_duration(field),
                  help + " " + range + ".",
                  Arity::value,
                  [&field, min, max, range](std::string_view text) -> Result<> {
                    TRY_ASSIGN(const auto duration, parse_duration(text));
                    if (duration < min || duration > max) {
                      return fail(Category::invalid, "\"" + std::string(text) + "\" is out of range; give " + range);
                    }
                    field = duration;
                    return {};
                  }};
  setting.type = ValueType::duration;
  setting.range = range;
  setting.current = [&field] { return format_duration(field); };
  return setting;
}

Setting at_reload(Setting setting) {
  setting.effect = Effect::at_reload;
  return setting;
}

Setting watch_dir_setting(std::vector<std::filesystem::path>& field) {
  Setting setting{
      "watch-dir", "DIRS", "",
      "Directories to watch, with everything below them, separated by commas; may be given again to add more. Every "
      "file named GUID.db, GUID.sqlite or GUID.sqlite3 is backed up.",
      Arity::value,
      // Appends: a second -watch-dir that silently replaced the first would leave databases without backup.
      [&field](std::string_view text) -> Result<> {
        TRY_ASSIGN(const auto directories, parse_directories(text));
        for (const auto& directory : directories) add_once(field, directory);
        return {};
      }};
  setting.type = ValueType::directories;
  setting.current = [&field] {
    std::string text;
    for (const auto& directory : field) text += (text.empty() ? "" : ",") + directory.string();
    return text;
  };
  setting.clear = [&field] { field.clear(); };
  setting.add = [&field](std::string_view text) -> Result<> {
    TRY_ASSIGN(const auto directory, parse_directory(text));
    add_once(field, directory);
    return {};
  };
  return setting;
}

Setting config_setting(std::filesystem::path& field) {
  return path_setting(std::string(kConfigSetting), "FILE", field,
                      "Configuration file: TOML, with the names of these flags as keys. Flags and variables of the "
                      "environment stand above it. \"litestream-manager explain -sample\" prints one.");
}

void add_store_settings(std::vector<Setting>& settings, StoreOptions& store) {
  settings.push_back({"bucket", "BUCKET", store.bucket,
                      "Where backups live: a bucket's name, s3://name[/prefix], or file:///directory.", Arity::value,
                      [&store](std::string_view text) -> Result<> {
                        TRY(storage::parse_bucket_url(text));
                        store.bucket = text;
                        return {};
                      }});
  settings.back().current = [&store] { return store.bucket; };
  settings.push_back({"endpoint", "URL", store.endpoint,
                      "Address of an S3-compatible server, http:// or https://; it implies -force-path-style. "
                      "Without it: AWS.",
                      Arity::value, into(store.endpoint, parse_endpoint)});
  settings.back().current = [&store] { return store.endpoint; };
  settings.push_back(
      text_setting("region", "REGION", store.region,
                   "Region of the bucket. Without it: AWS_REGION, AWS_DEFAULT_REGION or ~/.aws/config, else "
                   "us-east-1."));
  settings.push_back(toggle("force-path-style", store.force_path_style,
                            "Write https://host/bucket/key instead of https://bucket.host/key; most S3-compatible "
                            "servers need it."));
}

void add_log_settings(std::vector<Setting>& settings, LogOptions& log) {
  settings.push_back(
      at_reload(word_setting("log-level", log.level, kLogLevels, "Least important log lines to write.")));
  settings.push_back(
      at_reload(word_setting("log-format", log.format, kLogFormats, "Log lines for people or for machines.")));
}

Setting at_setting(history::RestoreTarget& target) {
  Setting setting{"at",
                  "TIME",
                  "",
                  "The newest state from before this time: 2026-11-22T14:30:00Z, 2026-11-22, \"2026-11-22 "
                  "14:30\", \"yesterday 14:30\" (local time where no zone is given), or -2h.",
                  Arity::value,
                  [&target](std::string_view text) -> Result<> {
                    TRY_ASSIGN(target.before, parse_point_in_time(text, base::system_clock().unix_now()));
                    return {};
                  }};
  setting.current = [&target] { return target.before ? base::to_rfc3339(*target.before) : ""; };
  return setting;
}

void add_target_settings(std::vector<Setting>& settings, history::RestoreTarget& target) {
  settings.push_back({"txid", "TXID", "", "The state: 16 hexadecimal digits as points lists them, or a number.",
                      Arity::value, [&target](std::string_view text) -> Result<> {
                        TRY_ASSIGN(target.txid, parse_txid(text));
                        return {};
                      }});
  settings.back().current = [&target] { return target.txid ? base::hex16(target.txid->value) : ""; };
  settings.push_back(at_setting(target));
}

}  // namespace cli
