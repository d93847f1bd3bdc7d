// The settings of every command, declared once each. README's table and the help texts follow them.
#pragma once

#include <string_view>
#include <vector>

#include "cli/config.h"
#include "cli/flags.h"

namespace cli {

// The returned settings write into the argument, which must outlive them.
std::vector<Setting> daemon_settings(Options& options);

// What can be set for each client by itself, in a [[client]] block.
std::vector<Setting> client_settings(engine::ClientPolicy& policy);

// What `explain` takes besides the daemon's.
std::vector<Setting> explain_only_settings(bool& json, bool& sample, bool& cost, SupposedWriting& supposed);

// The file that the others may stand in; the only one that may not.
inline constexpr std::string_view kConfigSetting = "config";

// What `restore` is told apart from its operand (a GUID or a URL).
std::vector<Setting> restore_settings(RestoreRequest& request);

// The same of `fork`.
std::vector<Setting> fork_settings(RestoreRequest& request);

// What `pin`, `unpin` and `pins` are told apart from their operand (a GUID).
std::vector<Setting> pin_settings(PinRequest& request);

// What is kept: how far back, for each kind of restore point; "0s" for none, where that is possible.
void add_retention_settings(std::vector<Setting>& settings, history::RetentionPolicy& policy);

// What `retention` is told apart from its operand (a GUID).
std::vector<Setting> retention_settings(RetentionRequest& request);

// The same of `purge`, and of `audit`, which has no operand.
std::vector<Setting> purge_settings(PurgeRequest& request);
std::vector<Setting> audit_settings(AuditRequest& request);

// What `takeover` is told apart from its operands (GUIDs).
std::vector<Setting> takeover_settings(TakeoverRequest& request);

// The same of `restore-all`, and of `verify`.
std::vector<Setting> restore_all_settings(RestoreAllRequest& request);
std::vector<Setting> verify_settings(VerifyRequest& request);

// The same of `points`.
std::vector<Setting> points_settings(PointsRequest& request);

// What every command about a state of one backup takes: which state, where the backup is, the log, the file.
std::vector<Setting> backup_settings(history::RestoreTarget& target, StoreOptions& store, LogOptions& log,
                                     std::filesystem::path& config_file);

}  // namespace cli
