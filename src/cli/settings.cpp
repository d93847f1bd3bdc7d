#include "cli/settings.h"

#include <string>

#include "cli/price_settings.h"
#include "cli/setting_types.h"
#include "cli/values.h"

namespace cli {
namespace {

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
  settings.push_back(toggle("restore-missing", options.restore_missing,
                            "At a start, bring back every database that has a backup in the bucket and is not here: "
                            "to where it was, else into the first watched directory. Only where no other host uses "
                            "the bucket with this prefix."));
  settings.push_back(duration_setting("verify-every", options.verify_every, 0ms, 8760h,
                                      "Prove each backup once in this time, evenly spread: what a restore needs is "
                                      "read from the bucket and compared. 0s: never."));
  settings.push_back(duration_setting("audit-every", options.audit_every, 0ms, 8760h,
                                      "Compare the bucket with what is recorded this long after the last time: one "
                                      "listing, a page a second. Heals, and tells what is nobody's. 0s: never."));
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

std::vector<Setting> backup_settings(history::RestoreTarget& target, StoreOptions& store, LogOptions& log,
                                     std::filesystem::path& config_file) {
  std::vector<Setting> settings;
  add_target_settings(settings, target);
  add_store_settings(settings, store);
  add_log_settings(settings, log);
  settings.push_back(config_setting(config_file));
  return settings;
}

}  // namespace cli
