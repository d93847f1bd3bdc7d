#include "cli/query_arguments.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "cli/replica_location.h"
#include "cli/settings.h"
#include "cli/values.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::uint32_t kMegabytesMax = 1U << 20;

Setting query_toggle(std::string name, bool& field, std::string help) {
  Setting setting{std::move(name), "", "", std::move(help), Arity::toggle, [&field](std::string_view text) -> Result<> {
                    TRY_ASSIGN(field, parse_bool(text));
                    return {};
                  }};
  setting.type = ValueType::boolean;
  setting.current = [&field] { return std::string(field ? "true" : "false"); };
  return setting;
}

Setting megabytes_setting(std::string name, std::uint32_t& field, const std::string& help) {
  const std::string range = "1 to " + std::to_string(kMegabytesMax);
  Setting setting{
      std::move(name),
      "MB",
      std::to_string(field),
      help + " " + range + ".",
      Arity::value,
      [&field, range](std::string_view text) -> Result<> {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size() || number == 0 || number > kMegabytesMax) {
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

struct Formats {
  bool csv = false;
  bool json = false;
};

std::vector<Setting> query_settings(QueryRequest& request, Formats& formats) {
  std::vector<Setting> settings;
  settings.push_back(query_toggle("csv", formats.csv, "Write comma-separated values, column names first."));
  settings.push_back(query_toggle("json", formats.json, "Write the result as JSON."));
  settings.push_back(query_toggle("stats", request.stats,
                                  "Tell on standard error which state was read, with which requests, bytes and time."));
  settings.push_back(
      megabytes_setting("cache-mb", request.cache_mb, "Memory for pages that were read, in MB (2^20 bytes)."));
  Setting directory{"cache-dir",
                    "DIR",
                    "",
                    "Keep what is read of backups in this directory, for the next query: it then holds tenants' data. "
                    "It is made if it is not there and may be removed at any time.",
                    Arity::value,
                    [&request](std::string_view text) -> Result<> {
                      request.cache_dir = text;
                      return {};
                    }};
  directory.current = [&request] { return request.cache_dir.string(); };
  settings.push_back(std::move(directory));
  settings.push_back(megabytes_setting("cache-dir-mb", request.cache_dir_mb, "How much that directory may hold."));
  std::ranges::move(backup_settings(request.target, request.store, request.log, request.config_file),
                    std::back_inserter(settings));
  return settings;
}

std::unexpected<base::Error> wrong_query_usage(std::string_view what) {
  return fail(Category::invalid, std::string(what) + "\nusage: " + std::string(kQueryUsage) +
                                     "\n       litestream-manager query -help lists all flags");
}

// What is missing or too much; empty: nothing.
std::string complaint(const QueryRequest& request, const Formats& formats, std::span<const std::string> operands) {
  if (operands.empty()) return "give the GUID of one client or the URL of its backup, and what to ask it";
  if (operands.size() == 1) return "what shall be asked? Give SQL in quotes, or - to read it from standard input";
  if (operands.size() > 2) return "one client and one text of SQL; put the SQL in quotes";
  if (formats.csv && formats.json) return "-csv and -json exclude each other";
  if (request.target.txid && request.target.before) return "-txid and -at exclude each other";
  return {};
}

}  // namespace

std::string query_help() {
  QueryRequest defaults;
  Formats formats;
  return "Asks a backup something in SQL without restoring it: only the pages that the answer needs are read.\n\n"
         "usage:\n  " +
         std::string(kQueryUsage) +
         "\n\nSQL is one or more statements, or - to read them from standard input. The backup is only read;\n"
         "temporary tables are possible. Column names are written first.\n\nflags:\n" +
         describe(query_settings(defaults, formats));
}

Result<Command> parse_query(std::span<const std::string> arguments, const Surroundings& surroundings) {
  QueryRequest request;
  Formats formats;
  const std::vector<Setting> settings = query_settings(request, formats);
  auto parsed = assign_layers(settings, arguments, surroundings);
  if (!parsed) return wrong_query_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) {
    std::string text;
    for (const std::string& mistake : parsed->mistakes) text += (text.empty() ? "" : "\n") + mistake;
    return fail(Category::invalid, std::move(text));
  }
  if (parsed->help_wanted) return ShowHelp{query_help()};
  if (const std::string wrong = complaint(request, formats, parsed->operands); !wrong.empty()) {
    return wrong_query_usage(wrong);
  }
  const std::string& client = parsed->operands.front();
  const bool said_here = find_effective(parsed->settings, "bucket")->holds.origin == "-bucket";
  if (!is_guid(client) && !said_here) request.store.bucket.clear();
  auto location = locate_replica(client, request.store.bucket);
  if (!location) return wrong_query_usage(location.error().message);
  request.store.bucket = std::move(location->bucket);
  request.replica = std::move(location->replica);
  request.sql = std::move(parsed->operands[1]);
  if (formats.csv) request.format = QueryFormat::csv;
  if (formats.json) request.format = QueryFormat::json;
  return Query{std::move(request)};
}

}  // namespace cli
