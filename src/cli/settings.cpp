#include "cli/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/point_in_time.h"
#include "cli/price_settings.h"
#include "cli/values.h"
#include "storage/bucket_url.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

// Puts a parsed value into its field.
template <typename T>
auto into(T& field, Result<T> (*parse)(std::string_view)) {
  return [&field, parse](std::string_view text) -> Result<> {
    TRY_ASSIGN(field, parse(text));
    return {};
  };
}

std::string text_of(bool value) {
  return value ? "true" : "false";
}

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

// "-no-x" for a field that says "x".
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
                  [&field, words, list](std::string_view text) -> Result<> {
                    const auto* found = std::ranges::find(words, text, &std::pair<std::string_view, E>::first);
                    if (found == words.end()) {
                      return fail(Category::invalid, "\"" + std::string(text) + "\" is not one of " + list);
                    }
                    field = found->second;
                    return {};
                  }};
  setting.range = list;
  setting.current = word_of_field;
  return setting;
}

Setting at_reload(Setting setting) {
  setting.effect = Effect::at_reload;
  return setting;
}

constexpr Words<base::log::Level, 4> kLogLevels{{{"debug", base::log::Level::debug},
                                                 {"info", base::log::Level::info},
                                                 {"warn", base::log::Level::warn},
                                                 {"error", base::log::Level::error}}};
constexpr Words<base::log::Format, 2> kLogFormats{
    {{"text", base::log::Format::text}, {"json", base::log::Format::json}}};
constexpr Words<ClientOrder, 2> kClientOrders{{{"smallest", ClientOrder::smallest}, {"newest", ClientOrder::newest}}};
constexpr Words<bool, 2> kRetentionOff{{{"on", false}, {"off", true}}};
constexpr Words<engine::IntegrityCheck, 3> kIntegrityChecks{{{"none", engine::IntegrityCheck::none},
                                                             {"quick", engine::IntegrityCheck::quick},
                                                             {"full", engine::IntegrityCheck::full}}};

void add_once(std::vector<std::filesystem::path>& list, const std::filesystem::path& directory) {
  if (std::ranges::find(list, directory) == list.end()) list.push_back(directory);
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

Setting sync_interval_setting(engine::ClientPolicy& policy) {
  using namespace std::chrono_literals;
  return at_reload(duration_setting("sync-interval", policy.sync_interval, 1ms, 24h,
                                    "Shortest time between two uploads of the same database while it is busy."));
}

Setting wal_switch_setting(engine::ClientPolicy& policy) {
  return at_reload(
      toggle_off("no-wal-switch", policy.switch_to_wal,
                 "Leave databases alone that are not in WAL mode, instead of switching them to it; each of "
                 "their changes then costs a reading of the database."));
}

// How far back, for each kind of restore point; "0s" for none, where that is possible.
void add_retention_settings(std::vector<Setting>& settings, history::RetentionPolicy& policy) {
  using namespace std::chrono_literals;
  constexpr std::chrono::milliseconds kLongest = std::chrono::days(36'500);
  settings.push_back(at_reload(word_setting("retention", policy.off, kRetentionOff,
                                            "Remove restore points that are older than what is kept, or leave that to "
                                            "rules of the bucket.")));
  settings.push_back(at_reload(
      duration_setting("retention-window", policy.window, 1h, kLongest, "Every restore point stays for so long.")));
  const auto thinned = [&](std::string name, std::chrono::milliseconds& field, const std::string& slot) {
    settings.push_back(
        at_reload(duration_setting(std::move(name), field, 0ms, kLongest,
                                   "The last restore point of each " + slot + " (UTC) stays for so long.")));
  };
  thinned("retention-hourly", policy.hourly, "hour");
  thinned("retention-daily", policy.daily, "day");
  thinned("retention-weekly", policy.weekly, "week");
  thinned("retention-monthly", policy.monthly, "month");
}

// Which state of a database is meant.
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

}  // namespace

std::vector<Setting> daemon_settings(Options& options) {
  using namespace std::chrono_literals;
  std::vector<Setting> settings;
  settings.push_back(watch_dir_setting(options.watch_dirs));
  add_store_settings(settings, options.store);
  settings.push_back({"port", "PORT", std::to_string(options.port),
                      "Port of the dashboard, 0 to 65535; 0 takes any free one.", Arity::value,
                      into(options.port, parse_port), ValueType::number, "0 to 65535"});
  settings.back().current = [&options] { return std::to_string(options.port); };
  settings.push_back(
      {"bind", "ADDRESS", options.bind,
       "IP address that the dashboard listens on. It has no login: leave it on loopback, or put it behind "
       "a proxy that asks who is there.",
       Arity::value, into(options.bind, parse_bind_address)});
  settings.back().current = [&options] { return options.bind; };
  settings.push_back(sync_interval_setting(options.client));
  settings.push_back(
      path_setting("state-dir", "DIR", options.state_dir,
                   "Where our own bookkeeping lives. Without it: .litestream-manager in the first watched "
                   "directory."));
  settings.push_back(wal_switch_setting(options.client));
  add_retention_settings(settings, options.client.retention);
  settings.push_back(duration_setting("verify-every", options.verify_every, 0ms, 8760h,
                                      "Prove each backup once in this time, evenly spread: what a restore needs is "
                                      "read from the bucket and compared. 0s: never."));
  add_price_settings(settings, options.prices);
  settings.push_back(at_reload(duration_setting("shutdown-timeout", options.shutdown_timeout, 0ms, 1h,
                                                "How long to go on storing what was seen after SIGINT or SIGTERM.")));
  add_log_settings(settings, options.log);
  settings.push_back(config_setting(options.config_file));
  return settings;
}

// A further setting for single clients: its field in engine::ClientPolicy, and a line here (and above, if it can be set
// for all of them, too).
std::vector<Setting> client_settings(engine::ClientPolicy& policy) {
  std::vector<Setting> settings;
  settings.push_back(sync_interval_setting(policy));
  settings.push_back(wal_switch_setting(policy));
  add_retention_settings(settings, policy.retention);
  settings.push_back(at_reload(toggle("paused", policy.paused,
                                      "Capture, store, merge and remove nothing for now. Going on costs one reading of "
                                      "the database; restore points of the pause there are none.")));
  return settings;
}

std::vector<Setting> pin_settings(PinRequest& request) {
  std::vector<Setting> settings;
  if (request.what != PinRequest::What::list) add_target_settings(settings, request.target);
  if (request.what == PinRequest::What::pin) {
    settings.push_back(text_setting("note", "TEXT", request.note, "Why it is kept."));
    settings.push_back({"until", "TIME", "",
                        "Keep it until then, written as for -at. Without it: for good, until unpin.", Arity::value,
                        [&request](std::string_view text) -> Result<> {
                          const base::UnixMillis now = base::system_clock().unix_now();
                          TRY_ASSIGN(request.until, parse_point_in_time(text, now));
                          if (*request.until > now) return {};
                          return fail(Category::invalid, "\"" + std::string(text) + "\" is over already");
                        }});
    settings.back().current = [&request] { return request.until ? base::to_rfc3339(*request.until) : ""; };
  }
  if (request.what == PinRequest::What::unpin) {
    settings.pop_back();  // not by time
    settings.push_back(toggle("all", request.all, "Every pin of the client."));
  }
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> takeover_settings(TakeoverRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(toggle("all", request.all, "Every client whose backup another writer continues."));
  settings.push_back(toggle("confirm", request.confirm, "Do it. Without it only what would be done is told."));
  settings.push_back(toggle("without-fencing", request.without_fencing,
                            "Also where the store does not honour conditional writes: then nothing but you keeps the "
                            "other writer from overwriting what this host stores."));
  settings.push_back(path_setting("state-dir", "DIR", request.state_dir,
                                  "The daemon's state directory. Without it: .litestream-manager in the first watched "
                                  "directory."));
  settings.push_back(watch_dir_setting(request.watch_dirs));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> restore_settings(RestoreRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(path_setting("o", "FILE", request.output, "File to restore to."));
  settings.push_back(toggle("force", request.force, "Replace FILE if it exists."));
  add_target_settings(settings, request.target);
  settings.push_back(toggle("dry-run", request.dry_run, "Say what would be read, and restore nothing."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  settings.push_back(number_setting("parallel", request.parallel, 1, 64, "Requests under way at a time."));
  settings.push_back(word_setting("integrity-check", request.integrity_check, kIntegrityChecks,
                                  "How SQLite examines the restored file before it gets its name."));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> restore_all_settings(RestoreAllRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(path_setting("o", "DIR", request.output, "Directory to restore to, one GUID.db each."));
  settings.push_back(at_setting(request.target));
  settings.push_back(text_setting("match", "GLOB", request.match, "Only clients whose id matches, such as \"0a*\"."));
  settings.push_back(word_setting("order", request.order, kClientOrders,
                                  "What is restored first: small backups, or those that were stored last."));
  settings.push_back(toggle("resume", request.resume, "Go on: files that are in DIR already are done."));
  settings.push_back(number_setting("parallel", request.parallel, 1, 64, "Clients at a time."));
  settings.push_back(word_setting("integrity-check", request.integrity_check, kIntegrityChecks,
                                  "How SQLite examines each restored file before it gets its name."));
  settings.push_back(toggle("dry-run", request.dry_run, "Say which clients would be restored, and restore nothing."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> verify_settings(VerifyRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(toggle("all", request.all, "Every client that the bucket or the daemon's state knows."));
  settings.push_back({"sample", "PERCENT", "",
                      "This share of them, such as 2%: those whose last verification is longest ago.", Arity::value,
                      into(request.sample_percent, parse_percent)});
  settings.back().current = [&request] {
    return request.sample_percent == 0 ? "" : std::to_string(request.sample_percent) + "%";
  };
  settings.push_back(word_setting("integrity-check", request.integrity_check, kIntegrityChecks,
                                  "Also write each state to a temporary file, and let SQLite examine it."));
  settings.push_back(
      path_setting("temp-dir", "DIR", request.temp_dir, "Where these files stand. Without it: TMPDIR, else /tmp."));
  settings.push_back(number_setting("parallel", request.parallel, 1, 64, "Clients at a time."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  settings.push_back(path_setting("state-dir", "DIR", request.state_dir,
                                  "The daemon's state directory: what the bucket holds is compared with what was "
                                  "stored, and with the live databases. Without it: .litestream-manager in the first "
                                  "watched directory."));
  settings.push_back(watch_dir_setting(request.watch_dirs));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> explain_only_settings(bool& json, bool& sample, bool& cost, SupposedWriting& supposed) {
  std::vector<Setting> settings;
  settings.push_back(toggle("json", json, "Write JSON instead of a table."));
  settings.push_back(
      toggle("sample", sample, "Write a configuration file instead, with every setting, its meaning and its default."));
  settings.push_back(toggle("cost", cost,
                            "Write what it will cost a day instead, at the write rates that the state directory knows "
                            "of the last 24 hours."));
  settings.push_back(decimal_setting("commits-per-day", supposed.commits_per_day, 86'400'000,
                                     "Suppose so many for -cost, uploaded one by one, instead of looking into the "
                                     "state directory; at most one a sync interval is."));
  settings.push_back(decimal_setting("clients", supposed.clients, 10'000'000, "Suppose so many clients like that."));
  settings.push_back(decimal_setting("commit-kb", supposed.commit_kb, 1'000'000,
                                     "Suppose that the object of one commit has so many KB (1,024 bytes)."));
  settings.push_back(decimal_setting("database-mb", supposed.database_mb, 100'000'000,
                                     "Suppose that a database compressed has so many MB (2^20 bytes)."));
  return settings;
}

std::vector<Setting> points_settings(PointsRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(number_setting("limit", request.limit, 0, 10'000'000, "Newest points to list; 0 lists all."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

}  // namespace cli
