#include "cli/config.h"

#include "base/check.h"

namespace cli {

std::filesystem::path state_directory(const Options& options) {
  if (!options.state_dir.empty()) return options.state_dir;
  CHECK(!options.watch_dirs.empty());
  return options.watch_dirs.front() / ".litestream-manager";
}

}  // namespace cli
