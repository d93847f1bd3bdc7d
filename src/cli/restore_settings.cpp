// The settings of the commands that bring databases back or prove that they come back.
#include <string>
#include <utility>

#include "cli/price_settings.h"
#include "cli/setting_types.h"
#include "cli/settings.h"
#include "cli/values.h"

namespace cli {
namespace {

constexpr Words<ClientOrder, 2> kClientOrders{{{"smallest", ClientOrder::smallest}, {"newest", ClientOrder::newest}}};
constexpr Words<engine::IntegrityCheck, 3> kIntegrityChecks{{{"none", engine::IntegrityCheck::none},
                                                             {"quick", engine::IntegrityCheck::quick},
                                                             {"full", engine::IntegrityCheck::full}}};

}  // namespace

std::vector<Setting> restore_settings(RestoreRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(path_setting("o", "FILE", request.output, "File to restore to."));
  settings.push_back(toggle("force", request.force, "Replace FILE if it exists."));
  add_target_settings(settings, request.target);
  settings.push_back(toggle("dry-run", request.dry_run,
                            "Say what would be read, how long that takes and what it costs, and restore nothing."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  settings.push_back(number_setting("parallel", request.parallel, 1, 64, "Requests under way at a time."));
  settings.push_back(word_setting("integrity-check", request.integrity_check, kIntegrityChecks,
                                  "How SQLite examines the restored file before it gets its name."));
  add_reading_price_settings(settings, request.prices);
  add_store_settings(settings, request.store);
  add_log_settings(settings, request.log);
  settings.push_back(config_setting(request.config_file));
  return settings;
}

std::vector<Setting> fork_settings(RestoreRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(text_setting("to", "NEWGUID", request.new_client, "The new client's id."));
  settings.push_back(path_setting("o", "FILE", request.output,
                                  "File of the new client, named NEWGUID.db, or the directory that it goes into. "
                                  "Without it: the first watched directory."));
  settings.push_back(watch_dir_setting(request.watch_dirs));
  add_target_settings(settings, request.target);
  settings.push_back(toggle("onto-backup", request.onto_backup,
                            "Also if NEWGUID has a backup already: its states stay, and the fork is stored after "
                            "them."));
  settings.push_back(toggle("dry-run", request.dry_run,
                            "Say what would be read, how long that takes and what it costs, and restore nothing."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  settings.push_back(number_setting("parallel", request.parallel, 1, 64, "Requests under way at a time."));
  settings.push_back(word_setting("integrity-check", request.integrity_check, kIntegrityChecks,
                                  "How SQLite examines the restored file before it gets its name."));
  add_reading_price_settings(settings, request.prices);
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
  settings.push_back(toggle("dry-run", request.dry_run,
                            "Say which clients would be restored, about how long that takes and what it costs, and "
                            "restore nothing."));
  settings.push_back(toggle("json", request.json, "Write the result as JSON."));
  add_reading_price_settings(settings, request.prices);
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
