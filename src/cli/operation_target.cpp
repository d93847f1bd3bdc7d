#include "cli/operation_target.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/log.h"
#include "cli/progress.h"
#include "os/file.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;

constexpr std::uint64_t kReserveBytes = 64U << 20;

bool is_within(const fs::path& path, const fs::path& directory) {
  const auto [in_directory, in_path] = std::ranges::mismatch(directory, path);
  return in_directory == directory.end();
}

}  // namespace

base::Result<fs::path> check_target(const std::string& path, const fs::path& state_directory) {
  const fs::path target = fs::path(path).lexically_normal();
  const auto wrong = [&](std::string_view why) {
    return base::fail(Category::invalid, fmt::format("\"to\": {}: {}", path, why));
  };
  if (!target.is_absolute()) return wrong("this is a relative path; it must begin with '/'");
  if (!target.has_filename()) return wrong("this names a directory; add the name of the new file");
  std::error_code error;
  const fs::path directory = fs::canonical(target.parent_path(), error);
  if (error) return wrong(fmt::format("its directory cannot be used ({}); make it first", error.message()));
  if (!fs::is_directory(directory, error)) return wrong("what it lies in is no directory");
  const fs::path state = fs::weakly_canonical(state_directory, error);
  if (!error && is_within(directory, state)) {
    return wrong("this is inside the daemon's state directory; choose a place outside of it");
  }
  fs::path file = directory / target.filename();
  const auto there = fs::symlink_status(file, error).type();
  if (there == fs::file_type::none) return wrong(fmt::format("it cannot be looked at ({})", error.message()));
  if (there != fs::file_type::not_found) {
    return base::fail(Category::conflict,
                      fmt::format("\"to\": {} exists already, and nothing is overwritten; choose another path", path));
  }
  return file;
}

base::Result<> check_room(const fs::path& directory, std::uint64_t database_bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  if (error || space.capacity == 0) return {};  // the restore itself will tell
  if (space.available >= database_bytes + kReserveBytes) return {};
  return base::fail(Category::io,
                    fmt::format("{} has {} free; the database needs about {}, and {} are left to others: make room, or "
                                "restore to another disk",
                                directory.string(), format_bytes(space.available), format_bytes(database_bytes),
                                format_bytes(kReserveBytes)));
}

fs::path downloads_folder(const fs::path& state_directory) {
  return state_directory / "downloads";
}

base::Result<> make_downloads_folder(const fs::path& state_directory) {
  const fs::path folder = downloads_folder(state_directory);
  TRY(os::make_directories(folder));
  std::error_code error;
  fs::permissions(folder, fs::perms::owner_all, fs::perm_options::replace, error);
  if (error) return base::fail(Category::io, folder.string() + ": " + error.message());
  return {};
}

void clear_downloads(const fs::path& state_directory) {
  const fs::path folder = downloads_folder(state_directory);
  const auto entries = os::list_directory(folder);
  if (!entries) return;  // nothing was ever made
  for (const os::DirectoryEntry& entry : *entries) {
    if (entry.is_directory) continue;
    if (auto removed = os::remove_file(folder / entry.name); !removed) {
      base::log::warn("an old download cannot be deleted", {{"reason", removed.error()}});
    }
  }
}

}  // namespace cli
