#include "cli/fork_command.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "cli/replica_location.h"
#include "cli/settings.h"
#include "engine/backup_listing.h"
#include "os/file.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::array<std::string_view, 3> kDatabaseEndings{".db", ".sqlite", ".sqlite3"};

std::unexpected<base::Error> wrong_usage(std::string_view what) {
  return fail(Category::invalid,
              fmt::format("{}\nusage: {}\n       litestream-manager fork -help lists all flags", what, kForkUsage));
}

char lower_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), lower_of);
  return text;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

// Case does not count: the daemon takes two such files for one client.
bool is_file_of(const std::string& name, const std::string& client) {
  return std::ranges::any_of(kDatabaseEndings,
                             [&](auto ending) { return lower(name) == lower(client) + std::string(ending); });
}

bool is_part_of(const std::string& name, const std::string& client) {
  return std::ranges::any_of(std::array{"", "-wal", "-shm", "-journal"}, [&](const std::string_view part) {
    return name.ends_with(part) && is_file_of(name.substr(0, name.size() - part.size()), client);
  });
}

std::string id_of(const std::string& replica) {
  return replica.substr(replica.rfind('/') + 1);
}

// What is missing, too much or contradicts itself; empty: nothing.
std::string complaint(const RestoreRequest& request, std::span<const std::string> operands) {
  if (operands.empty()) return "which database? Give its GUID or the URL of its backup";
  if (operands.size() > 1) return "one database at a time; \"" + operands[1] + "\" is one too many";
  if (request.new_client.empty()) return "-to is missing: which GUID shall the new client have?";
  if (!is_guid(request.new_client)) {
    return "-to \"" + request.new_client + "\" is no GUID (8-4-4-4-12 hexadecimal digits)";
  }
  if (request.target.txid && request.target.before) return "-txid and -at exclude each other";
  if (request.output.empty() && request.watch_dirs.empty()) {
    return "-watch-dir is missing: where does the daemon look for databases? Or name the file with -o";
  }
  return {};
}

// NEWGUID.db in the directory that was named, or the file that was named.
std::filesystem::path place_of(const RestoreRequest& request) {
  const std::string name = request.new_client + ".db";
  if (request.output.empty()) return request.watch_dirs.front() / name;
  const auto found = os::stat_path(request.output);
  const bool directory = !request.output.has_filename() || (found && found->is_directory);
  return directory ? request.output / name : request.output;
}

}  // namespace

Result<Command> parse_fork(std::span<const std::string> arguments, const Surroundings& surroundings) {
  RestoreRequest request;
  const auto parsed = assign_layers(fork_settings(request), arguments, surroundings);
  if (!parsed) return wrong_usage(parsed.error().message);
  if (!parsed->mistakes.empty()) {
    std::string all;
    for (const std::string& mistake : parsed->mistakes) all += (all.empty() ? "" : "\n") + mistake;
    return fail(Category::invalid, std::move(all));
  }
  if (parsed->help_wanted) return ShowHelp{fork_help()};
  if (const std::string what = complaint(request, parsed->operands); !what.empty()) return wrong_usage(what);
  // As for restore: a URL names its bucket itself.
  const bool said_here = find_effective(parsed->settings, "bucket")->holds.origin == "-bucket";
  if (!is_guid(parsed->operands.front()) && !said_here) request.store.bucket.clear();
  auto location = locate_replica(parsed->operands.front(), request.store.bucket);
  if (!location) return wrong_usage(location.error().message);
  request.store.bucket = std::move(location->bucket);
  request.replica = std::move(location->replica);
  if (lower(id_of(request.replica)) == lower(request.new_client)) {
    return wrong_usage("-to is the client itself; \"restore\" brings back an earlier state of it");
  }
  request.output = place_of(request);
  if (!is_file_of(request.output.filename().string(), request.new_client)) {
    return wrong_usage(fmt::format("-o {}: a client is known by its file's name; call it {}.db",
                                   request.output.string(), request.new_client));
  }
  return Restore{std::move(request)};
}

std::string fork_help() {
  RestoreRequest defaults;
  return "Makes a new client from one database as it is stored, or as it was at a TXID or a time.\n\nusage:\n  " +
         std::string(kForkUsage) +
         "\n\nThe file goes to where the daemon finds it and backs it up as databases/NEWGUID. The backup of\n"
         "the first client is only read, and no file is ever replaced.\n\nflags:\n" +
         describe(fork_settings(defaults));
}

Result<> check_fork(storage::ObjectStore& store, const RestoreRequest& request) {
  const auto directory = request.output.has_parent_path() ? request.output.parent_path() : std::filesystem::path(".");
  const auto entries = os::list_directory(directory);
  if (!entries) return fail(entries.error().with_context("where the new client goes"));
  for (const os::DirectoryEntry& entry : *entries) {
    if (!is_part_of(entry.name, request.new_client)) continue;
    return fail(Category::conflict,
                fmt::format("{} exists: choose another GUID with -to, or move that file away if it is nobody's",
                            (directory / entry.name).string()));
  }
  if (request.onto_backup) return {};
  const std::set<std::string> spellings{request.new_client, lower(request.new_client), upper(request.new_client)};
  for (const std::string& id : spellings) {
    const std::string replica = storage::replica_path(base::DatabaseId{id});
    TRY_ASSIGN(const auto backup, engine::list_backup(store, replica, {}));
    if (backup.empty()) continue;
    return fail(
        Category::conflict,
        fmt::format("{}/{} holds a backup already, and the fork would go on in its history: choose another GUID "
                    "with -to, \"restore {}\" if that client is the one wanted, or say -onto-backup to store "
                    "the fork after its newest state",
                    store.display_url(), replica, id));
  }
  return {};
}

}  // namespace cli
