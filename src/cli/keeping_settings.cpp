// Settings of the commands about what is kept in the bucket.
#include "base/clock.h"
#include "cli/point_in_time.h"
#include "cli/setting_types.h"
#include "cli/settings.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr Words<bool, 2> kRetentionOff{{{"on", false}, {"off", true}}};
constexpr char kStateDirHelp[] =
    "The daemon's state directory. Without it: .litestream-manager in the first watched directory.";

void add_common_settings(std::vector<Setting>& settings, KeepingOptions& common) {
  settings.push_back(toggle("json", common.json, "Write the result as JSON."));
  settings.push_back(path_setting("state-dir", "DIR", common.state_dir, kStateDirHelp));
  settings.push_back(watch_dir_setting(common.watch_dirs));
  add_store_settings(settings, common.store);
  add_log_settings(settings, common.log);
  settings.push_back(config_setting(common.config_file));
}

}  // namespace

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

std::vector<Setting> retention_settings(RetentionRequest& request) {
  std::vector<Setting> settings;
  add_retention_settings(settings, request.policy.retention);
  add_common_settings(settings, request.common);
  return settings;
}

std::vector<Setting> purge_settings(PurgeRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(toggle("confirm", request.confirm, "Do it. Without it only what would be done is told."));
  settings.push_back(
      toggle("gone", request.gone,
             "The database's host, or its watched directory, is gone for good: do not look for it there."));
  add_common_settings(settings, request.common);
  return settings;
}

std::vector<Setting> audit_settings(AuditRequest& request) {
  std::vector<Setting> settings;
  settings.push_back(toggle("repair", request.repair,
                            "Have the daemon make its records anew, from the bucket, for each database where they "
                            "differ."));
  add_common_settings(settings, request.common);
  return settings;
}

}  // namespace cli
