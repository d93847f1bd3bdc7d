#include "cli/keeping_commands.h"

#include <utility>

#include "cli/replica_location.h"
#include "cli/settings.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::string_view kPinUsage =
    "litestream-manager pin GUID [-at TIME|-txid TXID] -note TEXT [-until TIME] -bucket BUCKET";
constexpr std::string_view kUnpinUsage = "litestream-manager unpin GUID -txid TXID|-all -bucket BUCKET";
constexpr std::string_view kPinsUsage = "litestream-manager pins [GUID] -bucket BUCKET [-json]";
constexpr std::string_view kRetentionUsage =
    "litestream-manager retention [GUID] -bucket BUCKET [-config FILE] [-watch-dir DIRS] [-json]";
constexpr std::string_view kPurgeUsage =
    "litestream-manager purge GUID -bucket BUCKET -watch-dir DIRS|-config FILE|-gone [-confirm]";
constexpr std::string_view kAuditUsage =
    "litestream-manager audit -bucket BUCKET -state-dir DIR|-watch-dir DIRS|-config FILE [-repair] [-json]";

struct Page {
  std::string_view usage;
  std::string_view about;
};

constexpr Page kRetentionPage{
    kRetentionUsage,
    "Shows what retention would remove from the bucket at this moment, and why the rest stays. Removes nothing.\n"
    "With -watch-dir or -state-dir it also tells of which backups the daemon here would not remove anything."};
constexpr Page kPurgePage{
    kPurgeUsage,
    "Removes the backup of a database that is gone, with all its restore points. Refuses where the database is there,\n"
    "where nobody can tell, where a daemon that knows it runs, and where points are pinned."};
constexpr Page kAuditPage{
    kAuditUsage,
    "Lists the bucket once, and compares it with what the daemon has recorded: backups that are lost, broken or not\n"
    "as recorded, backups of databases that are gone or of other hosts, and objects that are no backup's."};

Page page_of(PinRequest::What what) {
  switch (what) {
    case PinRequest::What::pin:
      return {kPinUsage,
              "Keeps a restore point whatever its age: the newest state, or that of a TXID or a time.\n"
              "The pin stands in the bucket; a daemon that runs honours it before its next deletion."};
    case PinRequest::What::unpin:
      return {kUnpinUsage, "Takes a pin away. The restore point stays as long as retention wants it."};
    case PinRequest::What::list:
      break;
  }
  return {kPinsUsage, "Lists the restore points that are kept for good or until a time."};
}

std::string help_of(const Page& page, std::span<const Setting> settings) {
  return std::string(page.about) + "\n\nusage:\n  " + std::string(page.usage) + "\n\nflags:\n" + describe(settings);
}

std::unexpected<base::Error> wrong_usage(std::string_view what, const Page& page) {
  const std::string_view command = page.usage.substr(0, page.usage.find(' ', page.usage.find(' ') + 1));
  return fail(Category::invalid, std::string(what) + "\nusage: " + std::string(page.usage) + "\n       " +
                                     std::string(command) + " -help lists all flags");
}

std::string joined(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

// What is missing or too much; empty: nothing.
std::string complaint(const PinRequest& request, std::span<const std::string> operands) {
  if (operands.size() > 1) return "one client at a time; \"" + operands[1] + "\" is one too many";
  if (operands.empty() && request.what != PinRequest::What::list) return "which client? Give its GUID";
  if (!operands.empty() && !is_guid(operands.front())) {
    return "\"" + operands.front() + "\" is no GUID (8-4-4-4-12 hexadecimal digits)";
  }
  if (request.store.bucket.empty()) return "-bucket is missing: where are the backups?";
  if (request.target.txid && request.target.before) return "-txid and -at exclude each other";
  if (request.what == PinRequest::What::pin && request.note.empty()) {
    return "-note is missing: why is it kept? Whoever finds the pin in a year will want to know";
  }
  if (request.what == PinRequest::What::unpin && request.target.txid.has_value() == request.all) {
    return "which pin? Give -txid, as pins lists it, or -all";
  }
  return {};
}

Result<Command> parse_pins(PinRequest::What what, std::span<const std::string> arguments,
                           const Surroundings& surroundings) {
  PinRequest request;
  request.what = what;
  const Page page = page_of(what);
  const std::vector<Setting> settings = pin_settings(request);
  auto parsed = assign_layers(settings, arguments, surroundings);
  if (!parsed) return wrong_usage(parsed.error().message, page);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) {
    PinRequest defaults;
    defaults.what = what;
    return ShowHelp{help_of(page, pin_settings(defaults))};
  }
  if (const std::string what_is_wrong = complaint(request, parsed->operands); !what_is_wrong.empty()) {
    return wrong_usage(what_is_wrong, page);
  }
  if (!parsed->operands.empty()) request.client = parsed->operands.front();
  return Pins{std::move(request)};
}

// What follows from what was said; what is missing or too much, or nothing.
std::string complete(KeepingOptions& common, std::span<const std::string> operands) {
  if (operands.size() > 1) return "one client at a time; \"" + operands[1] + "\" is one too many";
  if (!operands.empty() && !is_guid(operands.front())) {
    return "\"" + operands.front() + "\" is no GUID (8-4-4-4-12 hexadecimal digits)";
  }
  if (common.store.bucket.empty()) return "-bucket is missing: where are the backups?";
  common.state_dir_said = !common.state_dir.empty();
  if (!common.state_dir_said && !common.watch_dirs.empty()) {
    common.state_dir = default_state_directory(common.watch_dirs.front());
  }
  return {};
}

Result<Command> parse_retention(std::span<const std::string> arguments, const Surroundings& surroundings) {
  RetentionRequest request;
  auto parsed = assign_layers(retention_settings(request), arguments, surroundings);
  if (!parsed) return wrong_usage(parsed.error().message, kRetentionPage);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) {
    RetentionRequest defaults;
    return ShowHelp{help_of(kRetentionPage, retention_settings(defaults))};
  }
  if (const std::string wrong = complete(request.common, parsed->operands); !wrong.empty()) {
    return wrong_usage(wrong, kRetentionPage);
  }
  if (!parsed->operands.empty()) request.client = parsed->operands.front();
  request.client_blocks = std::move(parsed->client_blocks);
  return ShowRetention{std::move(request)};
}

Result<Command> parse_purge(std::span<const std::string> arguments, const Surroundings& surroundings) {
  PurgeRequest request;
  const auto parsed = assign_layers(purge_settings(request), arguments, surroundings);
  if (!parsed) return wrong_usage(parsed.error().message, kPurgePage);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) {
    PurgeRequest defaults;
    return ShowHelp{help_of(kPurgePage, purge_settings(defaults))};
  }
  if (parsed->operands.empty()) return wrong_usage("which client? Give its GUID", kPurgePage);
  if (const std::string wrong = complete(request.common, parsed->operands); !wrong.empty()) {
    return wrong_usage(wrong, kPurgePage);
  }
  request.client = parsed->operands.front();
  return Purge{std::move(request)};
}

Result<Command> parse_audit(std::span<const std::string> arguments, const Surroundings& surroundings) {
  AuditRequest request;
  const auto parsed = assign_layers(audit_settings(request), arguments, surroundings);
  if (!parsed) return wrong_usage(parsed.error().message, kAuditPage);
  if (!parsed->mistakes.empty()) return fail(Category::invalid, joined(parsed->mistakes));
  if (parsed->help_wanted) {
    AuditRequest defaults;
    return ShowHelp{help_of(kAuditPage, audit_settings(defaults))};
  }
  if (!parsed->operands.empty()) return wrong_usage("audit takes no GUID; \"verify\" proves one backup", kAuditPage);
  if (const std::string wrong = complete(request.common, {}); !wrong.empty()) return wrong_usage(wrong, kAuditPage);
  if (request.common.state_dir.empty()) {
    return wrong_usage("-state-dir is missing: which directory does the daemon keep its state in?", kAuditPage);
  }
  return Audit{std::move(request)};
}

}  // namespace

std::optional<Result<Command>> parse_keeping_command(std::string_view name, std::span<const std::string> arguments,
                                                     const Surroundings& surroundings) {
  if (name == "pin") return parse_pins(PinRequest::What::pin, arguments, surroundings);
  if (name == "unpin") return parse_pins(PinRequest::What::unpin, arguments, surroundings);
  if (name == "pins") return parse_pins(PinRequest::What::list, arguments, surroundings);
  if (name == "retention") return parse_retention(arguments, surroundings);
  if (name == "purge") return parse_purge(arguments, surroundings);
  if (name == "audit") return parse_audit(arguments, surroundings);
  return std::nullopt;
}

std::string keeping_usage() {
  std::string text;
  for (const std::string_view usage : {kPinUsage, kUnpinUsage, kPinsUsage, kRetentionUsage, kPurgeUsage, kAuditUsage}) {
    text += "  " + std::string(usage) + "\n";
  }
  return text;
}

}  // namespace cli
