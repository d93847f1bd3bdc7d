// `fork`: an earlier moment of one client becomes a client of its own. A restore to the place where the new client's
// file belongs; the daemon finds it there like any other new database. Here is what a fork asks before it restores.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command_line.h"
#include "storage/object_store.h"

namespace cli {

inline constexpr std::string_view kForkUsage =
    "litestream-manager fork GUID|URL -to NEWGUID -bucket BUCKET -watch-dir DIRS|-o FILE [flags]";

// To a Restore. Errors are those of parse_command_line(). A directory given with -o is looked for on the disk.
base::Result<Command> parse_fork(std::span<const std::string> arguments, const Surroundings& surroundings);
std::string fork_help();

// May `request.new_client` begin at `request.output`? Blocks for a LIST for each spelling of the id. Whatever runs
// beside it can still take the place meanwhile: the file by restore()'s own checks, the bucket by conditional writes.
//   conflict  a file of that client is in the output's directory, or it has a backup (and request.onto_backup is not
//             set); the message says what can be done
//   the store's own, and io for the directory
base::Result<> check_fork(storage::ObjectStore& store, const RestoreRequest& request);

}  // namespace cli
