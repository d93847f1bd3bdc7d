// Where the API's restores may write: the checks before anything is read, and the folder that downloads are made in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace cli {

// The path of a file that does not exist, in a directory that does. Looks at the local disk. Errors name what to do:
//   invalid   relative, a directory's name, no such directory, or inside the state directory
//   conflict  something stands there
base::Result<std::filesystem::path> check_target(const std::string& path, const std::filesystem::path& state_directory);

// io: `directory` has no room for a database of that size, with a reserve for everybody else. A guess, made so that a
// restore does not take the last of a disk that others need; what fills it meanwhile is an error of the restore.
base::Result<> check_room(const std::filesystem::path& directory, std::uint64_t database_bytes);

std::filesystem::path downloads_folder(const std::filesystem::path& state_directory);
// Makes it, for our eyes only.
base::Result<> make_downloads_folder(const std::filesystem::path& state_directory);
// Takes away what an earlier run left in it; what cannot be is logged.
void clear_downloads(const std::filesystem::path& state_directory);

}  // namespace cli
