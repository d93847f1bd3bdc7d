#include "cli/command_line.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "cli/combinations.h"
#include "cli/config_sample.h"
#include "cli/flags.h"
#include "cli/fork_command.h"
#include "cli/keeping_commands.h"
#include "cli/query_arguments.h"
#include "cli/replica_location.h"
#include "cli/settings.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::string_view kDaemonUsage = "litestream-manager -watch-dir DIRS -bucket BUCKET [flags]";
constexpr std::string_view kRestoreUsage = "litestream-manager restore GUID|URL -o FILE -bucket BUCKET [flags]";
constexpr std::string_view kTakeoverUsage =
    "litestream-manager takeover GUID...|-all -state-dir DIR -bucket BUCKET [-confirm]";
constexpr std::string_view kExplainUsage = "litestream-manager explain [GUID] [flags]";
constexpr std::string_view kPointsUsage = "litestream-manager points GUID|URL -bucket BUCKET [flags]";
constexpr std::string_view kRestoreAllUsage = "litestream-manager restore-all -o DIR -bucket BUCKET [flags]";
constexpr std::string_view kVerifyUsage =
    "litestream-manager verify GUID|URL|-all|-sample PERCENT -bucket BUCKET [flags]";
constexpr std::string_view kVersionUsage = "litestream-manager version";
constexpr std::string_view kHelpUsage = "litestream-manager help [COMMAND]";

using Arguments = std::span<const std::string>;

std::unexpected<base::Error> wrong_usage(std::string_view what, std::string_view usage, std::string_view help_command) {
  return fail(Category::invalid, std::string(what) + "\nusage: " + std::string(usage) + "\n       " +
                                     std::string(help_command) + " lists all flags");
}
std::unexpected<base::Error> wrong_daemon_usage(std::string_view what) {
  return wrong_usage(what, kDaemonUsage, "litestream-manager -help");
}
std::unexpected<base::Error> wrong_restore_usage(std::string_view what) {
  return wrong_usage(what, kRestoreUsage, "litestream-manager restore -help");
}

std::unexpected<base::Error> wrong_takeover_usage(std::string_view what) {
  return wrong_usage(what, kTakeoverUsage, "litestream-manager takeover -help");
}

std::unexpected<base::Error> wrong_explain_usage(std::string_view what) {
  return wrong_usage(what, kExplainUsage, "litestream-manager explain -help");
}

std::string joined(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string daemon_help() {
  Options defaults;
  return "Keeps every SQLite database named GUID.db below the watched directories continuously\n"
         "backed up in a bucket, in Litestream's format, and shows the fleet in a dashboard.\n\nusage:\n  " +
         std::string(kDaemonUsage) + "\n  " + std::string(kRestoreUsage) + "\n  " + std::string(kForkUsage) + "\n  " +
         std::string(kPointsUsage) + "\n  " + std::string(kRestoreAllUsage) + "\n  " + std::string(kVerifyUsage) +
         "\n  " + std::string(kQueryUsage) + "\n  " + std::string(kTakeoverUsage) + "\n" + keeping_usage() + "  " +
         std::string(kExplainUsage) + "\n  " + std::string(kVersionUsage) + "\n  " + std::string(kHelpUsage) +
         "\n\nflags:\n" + describe(daemon_settings(defaults)) +
         "\nEach of them can also stand in the configuration file (name = value), or in the environment as\n"
         "LITESTREAM_MANAGER_NAME; \"litestream-manager explain\" shows what holds and who said it.\n"
         "\ncredentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or\n"
         "~/.aws/credentials with AWS_PROFILE.\n"
         "\nexit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 verification failed,\n5 conflict.\n";
}

std::string restore_help() {
  RestoreRequest defaults;
  return "Restores one database: its newest stored state, the one of a TXID, or the one of a time.\n\nusage:\n  " +
         std::string(kRestoreUsage) +
         "\n\nGUID is the client's id, URL the place of its backup: s3://bucket/databases/GUID or\n"
         "file:///directory/databases/GUID (then leave -bucket out).\n\nflags:\n" +
         describe(restore_settings(defaults));
}

std::unexpected<base::Error> wrong_points_usage(std::string_view what) {
  return wrong_usage(what, kPointsUsage, "litestream-manager points -help");
}

std::string points_help() {
  PointsRequest defaults;
  return "Lists the states that one database can be restored to, with TXID and time.\n\nusage:\n  " +
         std::string(kPointsUsage) +
         "\n\nrestore -txid TXID restores one of them, restore -at TIME the newest from before a time.\n\nflags:\n" +
         describe(points_settings(defaults));
}

std::unexpected<base::Error> wrong_restore_all_usage(std::string_view what) {
  return wrong_usage(what, kRestoreAllUsage, "litestream-manager restore-all -help");
}

std::string restore_all_help() {
  RestoreAllRequest defaults;
  return "Restores every client of a bucket, as after the loss of a host.\n\nusage:\n  " +
         std::string(kRestoreAllUsage) +
         "\n\nA file that exists is never replaced. Run again with -resume after an interruption.\n\nflags:\n" +
         describe(restore_all_settings(defaults));
}

std::unexpected<base::Error> wrong_verify_usage(std::string_view what) {
  return wrong_usage(what, kVerifyUsage, "litestream-manager verify -help");
}

std::string verify_help() {
  VerifyRequest defaults;
  return "Proves that backups can be restored: reads every byte that a restore needs, and compares the\n"
         "database that comes out with what was stored, and with the live one.\n\nusage:\n  " +
         std::string(kVerifyUsage) +
         "\n\nNothing is changed in the bucket. Ends with 4 if something is lost.\n\nflags:\n" +
         describe(verify_settings(defaults));
}

std::string takeover_help() {
  TakeoverRequest defaults;
  return "Lets this host go on with backups that another writer continues (state \"conflict\").\n\nusage:\n  " +
         std::string(kTakeoverUsage) +
         "\n\nNothing in the bucket is changed or removed: the next object is stored after the other\n"
         "writer's newest. A daemon that runs takes over at once, else the next start does. Stop the\n"
         "other writer first. Run it as the daemon's user.\n\nflags:\n" +
         describe(takeover_settings(defaults));
}

// What nothing has a default for.
std::vector<std::string> missing_settings(const Options& options) {
  std::vector<std::string> missing;
  if (options.watch_dirs.empty()) missing.emplace_back("-watch-dir is missing: which directories hold the databases?");
  if (options.store.bucket.empty()) {
    missing.emplace_back("-bucket is missing: where shall the backups go? For a first try: -bucket file:///DIRECTORY");
  }
  return missing;
}

Result<Command> parse_daemon(Arguments arguments, const Surroundings& surroundings) {
  Options options;
  auto parsed = assign_layers(daemon_settings(options), arguments, surroundings);
  if (!parsed) return wrong_daemon_usage(parsed.error().message);
  if (parsed->help_wanted) return ShowHelp{daemon_help()};
  if (!parsed->operands.empty()) {
    constexpr auto kCommands = std::to_array<std::string_view>({"query", "restore", "fork", "points", "restore-all",
                                                                "verify", "takeover", "explain", "version", "help",
                                                                "pin", "unpin", "pins", "retention", "purge", "audit"});
    const std::string& operand = parsed->operands.front();
    const std::string_view near = nearest(operand, kCommands);
    std::string what = "there is no command \"" + operand + "\"";
    if (!near.empty()) what += "; did you mean " + std::string(near) + "? (a command stands before its flags)";
    return wrong_daemon_usage(what);
  }
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (const auto missing = missing_settings(options); !missing.empty()) return wrong_daemon_usage(joined(missing));
  options.client_blocks = std::move(parsed->client_blocks);
  const auto contradictions = find_contradictions(options, parsed->settings);
  if (!contradictions.empty()) return wrong_daemon_usage(joined(contradictions));
  return RunDaemon{std::move(options), std::move(parsed->settings)};
}

std::vector<Setting> explain_settings(Explain& explain, bool& sample) {
  Options& options = explain.options;
  std::vector<Setting> settings = daemon_settings(options);
  std::ranges::move(explain_only_settings(explain.json, sample, explain.cost, explain.supposed),
                    std::back_inserter(settings));
  return settings;
}

std::string explain_help() {
  Explain explain;
  bool sample = false;
  return "Shows every setting that the daemon would have with these flags, and who said it; with the GUID of a\n"
         "client, what holds for that one. With -cost: what they will cost.\n\nusage:\n  " +
         std::string(kExplainUsage) + "\n\nflags:\n" + describe(explain_settings(explain, sample));
}

Result<Command> parse_explain(Arguments arguments, const Surroundings& surroundings) {
  Explain explain;
  bool sample = false;
  auto parsed = assign_layers(explain_settings(explain, sample), arguments, surroundings);
  if (!parsed) return wrong_explain_usage(parsed.error().message);
  if (parsed->help_wanted) return ShowHelp{explain_help()};
  if (sample) return ShowHelp{sample_config()};
  if (parsed->operands.size() > 1) return wrong_explain_usage("one client at a time");
  if (!parsed->operands.empty()) explain.client_id = parsed->operands.front();
  if (!explain.client_id.empty() && !is_guid(explain.client_id)) {
    return wrong_explain_usage("\"" + explain.client_id + "\" is not a GUID (8-4-4-4-12 hexadecimal digits)");
  }
  explain.mistakes = std::move(parsed->mistakes);
  explain.options.client_blocks = std::move(parsed->client_blocks);
  const auto contradictions = find_contradictions(explain.options, parsed->settings);
  std::ranges::copy(contradictions, std::back_inserter(explain.mistakes));
  if (explain.mistakes.empty() && !explain.cost) explain.mistakes = missing_settings(explain.options);
  Options daemon;
  const auto known = daemon_settings(daemon);
  for (EffectiveSetting& setting : parsed->settings) {
    if (find_setting(known, setting.name) != nullptr) explain.settings.push_back(std::move(setting));
  }
  return explain;
}

Result<Command> parse_restore(Arguments arguments, const Surroundings& surroundings) {
  RestoreRequest request;
  const auto parsed = assign_layers(restore_settings(request), arguments, surroundings);
  if (!parsed) return wrong_restore_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) return ShowHelp{restore_help()};
  if (parsed->operands.empty()) return wrong_restore_usage("which database? Give its GUID or the URL of its backup");
  if (parsed->operands.size() > 1) {
    return wrong_restore_usage("one database at a time; \"" + parsed->operands[1] + "\" is one too many");
  }
  if (request.output.empty() && !request.dry_run) {
    return wrong_restore_usage("-o is missing: which file shall be restored to?");
  }
  if (request.target.txid && request.target.before) {
    return wrong_restore_usage("-txid and -at exclude each other: which of them names the state?");
  }
  // A URL names its bucket: what file or environment say of another one was not said about this restore.
  const bool said_here = find_effective(parsed->settings, "bucket")->holds.origin == "-bucket";
  if (!is_guid(parsed->operands.front()) && !said_here) request.store.bucket.clear();
  auto location = locate_replica(parsed->operands.front(), request.store.bucket);
  if (!location) return wrong_restore_usage(location.error().message);
  request.store.bucket = std::move(location->bucket);
  request.replica = std::move(location->replica);
  return Restore{std::move(request)};
}

Result<Command> parse_takeover(Arguments arguments, const Surroundings& surroundings) {
  TakeoverRequest request;
  auto parsed = assign_layers(takeover_settings(request), arguments, surroundings);
  if (!parsed) return wrong_takeover_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) return ShowHelp{takeover_help()};
  if (parsed->operands.empty() != request.all) {
    return wrong_takeover_usage(request.all ? "-all takes no GUID beside it" : "which client? Give GUIDs, or -all");
  }
  for (const std::string& operand : parsed->operands) {
    if (!is_guid(operand))
      return wrong_takeover_usage("\"" + operand + "\" is no GUID (8-4-4-4-12 hexadecimal digits)");
  }
  if (request.store.bucket.empty()) return wrong_takeover_usage("-bucket is missing: where are the backups?");
  if (request.state_dir.empty() && request.watch_dirs.empty()) {
    return wrong_takeover_usage("-state-dir is missing: which directory does the daemon keep its state in?");
  }
  if (request.state_dir.empty()) request.state_dir = default_state_directory(request.watch_dirs.front());
  request.clients = std::move(parsed->operands);
  return TakeOver{std::move(request)};
}

Result<Command> parse_points(Arguments arguments, const Surroundings& surroundings) {
  PointsRequest request;
  auto parsed = assign_layers(points_settings(request), arguments, surroundings);
  if (!parsed) return wrong_points_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) return ShowHelp{points_help()};
  if (parsed->operands.size() != 1) {
    return wrong_points_usage("give the GUID of one database or the URL of its backup");
  }
  const bool said_here = find_effective(parsed->settings, "bucket")->holds.origin == "-bucket";
  if (!is_guid(parsed->operands.front()) && !said_here) request.store.bucket.clear();
  auto location = locate_replica(parsed->operands.front(), request.store.bucket);
  if (!location) return wrong_points_usage(location.error().message);
  request.store.bucket = std::move(location->bucket);
  request.replica = std::move(location->replica);
  return ListPoints{std::move(request)};
}

Result<Command> parse_restore_all(Arguments arguments, const Surroundings& surroundings) {
  RestoreAllRequest request;
  auto parsed = assign_layers(restore_all_settings(request), arguments, surroundings);
  if (!parsed) return wrong_restore_all_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) return ShowHelp{restore_all_help()};
  if (!parsed->operands.empty()) {
    return wrong_restore_all_usage(
        "restore-all takes no GUID; \"restore\" restores one client, -match chooses several");
  }
  if (request.store.bucket.empty()) return wrong_restore_all_usage("-bucket is missing: where are the backups?");
  if (request.output.empty() && !request.dry_run) {
    return wrong_restore_all_usage("-o is missing: which directory shall be restored to?");
  }
  return RestoreAll{std::move(request)};
}

Result<Command> parse_verify(Arguments arguments, const Surroundings& surroundings) {
  VerifyRequest request;
  auto parsed = assign_layers(verify_settings(request), arguments, surroundings);
  if (!parsed) return wrong_verify_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) return ShowHelp{verify_help()};
  const std::size_t ways = parsed->operands.size() + (request.all ? 1 : 0) + (request.sample_percent > 0 ? 1 : 0);
  if (ways != 1) {
    return wrong_verify_usage("give the GUID of one client, the URL of its backup, -all, or -sample with a share");
  }
  if (parsed->operands.empty()) {
    if (request.store.bucket.empty()) return wrong_verify_usage("-bucket is missing: where are the backups?");
  } else {
    const bool said_here = find_effective(parsed->settings, "bucket")->holds.origin == "-bucket";
    if (!is_guid(parsed->operands.front()) && !said_here) request.store.bucket.clear();
    auto location = locate_replica(parsed->operands.front(), request.store.bucket);
    if (!location) return wrong_verify_usage(location.error().message);
    request.store.bucket = std::move(location->bucket);
    request.replica = std::move(location->replica);
  }
  if (request.state_dir.empty() && !request.watch_dirs.empty()) {
    request.state_dir = default_state_directory(request.watch_dirs.front());
  }
  return Verify{std::move(request)};
}

Result<Command> parse_help(Arguments arguments) {
  if (arguments.empty()) return ShowHelp{daemon_help()};
  if (arguments.size() == 1 && arguments.front() == "restore") return ShowHelp{restore_help()};
  if (arguments.size() == 1 && arguments.front() == "fork") return ShowHelp{fork_help()};
  if (arguments.size() == 1 && arguments.front() == "takeover") return ShowHelp{takeover_help()};
  if (arguments.size() == 1 && arguments.front() == "explain") return ShowHelp{explain_help()};
  if (arguments.size() == 1 && arguments.front() == "points") return ShowHelp{points_help()};
  if (arguments.size() == 1 && arguments.front() == "restore-all") return ShowHelp{restore_all_help()};
  if (arguments.size() == 1 && arguments.front() == "verify") return ShowHelp{verify_help()};
  if (arguments.size() == 1 && arguments.front() == "query") return ShowHelp{query_help()};
  if (arguments.size() == 1) {
    const std::array<std::string, 1> help{"-help"};
    if (auto shown = parse_keeping_command(arguments.front(), help, empty_surroundings())) return std::move(*shown);
  }
  return wrong_usage("help knows only commands that have flags", kHelpUsage, "litestream-manager -help");
}

}  // namespace

Result<Command> parse_command_line(Arguments arguments, const Surroundings& surroundings) {
  if (arguments.empty()) return parse_daemon(arguments, surroundings);
  const std::string_view first = arguments.front();
  const Arguments rest = arguments.subspan(1);
  if (first == "restore") return parse_restore(rest, surroundings);
  if (first == "fork") return parse_fork(rest, surroundings);
  if (first == "takeover") return parse_takeover(rest, surroundings);
  if (first == "explain") return parse_explain(rest, surroundings);
  if (first == "points") return parse_points(rest, surroundings);
  if (first == "restore-all") return parse_restore_all(rest, surroundings);
  if (first == "verify") return parse_verify(rest, surroundings);
  if (first == "query") return parse_query(rest, surroundings);
  if (auto command = parse_keeping_command(first, rest, surroundings)) return std::move(*command);
  if (first == "help") return parse_help(rest);
  if (first == "version" || first == "-version" || first == "--version") {
    if (!rest.empty()) return wrong_usage("version takes nothing", kVersionUsage, "litestream-manager -help");
    return ShowVersion{};
  }
  return parse_daemon(arguments, surroundings);
}

}  // namespace cli
