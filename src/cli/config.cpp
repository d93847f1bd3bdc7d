#include "cli/config.h"

#include "base/check.h"

namespace cli {

std::filesystem::path default_state_directory(const std::filesystem::path& first_watch_dir) {
  return first_watch_dir / ".litestream-manager";
}

std::filesystem::path state_directory(const Options& options) {
  if (!options.state_dir.empty()) return options.state_dir;
  CHECK(!options.watch_dirs.empty());
  return default_state_directory(options.watch_dirs.front());
}

}  // namespace cli
