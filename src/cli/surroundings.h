// What a command line can refer to besides itself: variables and files. By value, so that parsing is a pure function of
// what a test hands in.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cli {

struct Surroundings {
  // The value of an environment variable; nullopt: not set. Empty counts as not set.
  std::function<std::optional<std::string>(std::string_view name)> variable;
  std::function<std::vector<std::string>()> variable_names;
  // A whole small file. not_found, denied, io; invalid: not a regular file, or larger than a configuration can be.
  std::function<base::Result<std::string>(const std::filesystem::path& path)> read_file;
};

// Nothing is set, no file is there.
Surroundings empty_surroundings();
// The process's own. Reading blocks as the file's file system does.
Surroundings process_surroundings();

}  // namespace cli
