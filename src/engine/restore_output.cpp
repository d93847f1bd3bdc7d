#include "engine/restore_output.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/random.h"
#include "os/file_lock.h"
#include "os/permissions.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr std::array<std::string_view, 3> kCompanions = {"-journal", "-wal", "-shm"};

fs::path with_suffix(const fs::path& path, std::string_view suffix) {
  fs::path result = path;
  result += suffix;
  return result;
}

base::Result<std::optional<os::FileStat>> stat_if_there(const fs::path& path) {
  auto stat = os::stat_path(path);
  if (stat) return *stat;
  if (stat.error().category == base::Category::not_found) return std::nullopt;
  return base::fail(std::move(stat).error());
}

base::Result<> refuse_if_locked(const fs::path& path, std::uint64_t first, std::uint64_t count) {
  auto file = os::File::open_read_only(path);
  if (!file) {
    if (file.error().category == base::Category::not_found) return {};
    return base::fail(std::move(file).error());
  }
  TRY_ASSIGN(const auto holder, os::lock_holder(*file, first, count));
  if (!holder) return {};
  const std::string who = holder->pid > 0 ? fmt::format("process {}", holder->pid) : "another process";
  return base::fail(base::Category::conflict,
                    fmt::format("{} is open in {}: stop it before its database is replaced", path.string(), who));
}

base::Result<> check_directory(const fs::path& output) {
  const fs::path directory = output.has_parent_path() ? output.parent_path() : fs::path(".");
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return base::fail(base::Category::invalid, fmt::format("{} is not a directory", directory.string()));
  }
  return {};
}

}  // namespace

base::Result<RestoreOutput> RestoreOutput::prepare(fs::path output, OnExistingOutput on_existing) {
  if (!output.has_filename()) {
    return base::fail(base::Category::invalid, fmt::format("\"{}\" does not name a file", output.string()));
  }
  TRY(check_directory(output));
  RestoreOutput result(std::move(output), on_existing);
  TRY(result.check());
  return result;
}

RestoreOutput::RestoreOutput(fs::path output, OnExistingOutput on_existing)
    : output_(std::move(output)),
      on_existing_(on_existing),
      temporary_(with_suffix(output_, std::string(kTemporaryMark) + base::random_hex(8))) {}

RestoreOutput::RestoreOutput(RestoreOutput&& other) noexcept
    : output_(std::move(other.output_)),
      on_existing_(other.on_existing_),
      temporary_(std::exchange(other.temporary_, {})),
      set_aside_(std::exchange(other.set_aside_, {})),
      adopted_(other.adopted_),
      keep_(other.keep_) {}

RestoreOutput::~RestoreOutput() {
  if (temporary_.empty() || keep_) return;
  std::vector<fs::path> paths{temporary_, with_suffix(temporary_, ".record")};
  for (const std::string_view companion : kCompanions) paths.push_back(with_suffix(temporary_, companion));
  for (const fs::path& path : paths) {
    if (const auto removed = os::remove_file(path); !removed) {
      base::log::warn("temporary file of a restore is left behind",
                      {{"path", path.string()}, {"error", removed.error()}});
    }
  }
}

base::Result<os::File> RestoreOutput::create(bool for_its_maker_alone) const {
  TRY_ASSIGN(const auto replaced, stat_if_there(output_));
  const bool alone = replaced || for_its_maker_alone;
  TRY_ASSIGN(os::File file, alone ? os::File::create_new(temporary_) : os::create_new_for_everybody(temporary_));
  TRY_ASSIGN(const bool locked, os::lock_description(file));
  if (!locked) return base::fail(base::Category::conflict, temporary_.string() + " is used by another process");
  return file;
}

base::Result<std::optional<os::File>> RestoreOutput::adopt(const std::string& name) {
  const std::string ours = output_.filename().string() + std::string(kTemporaryMark);
  if (!name.starts_with(ours) || name.contains('/')) return std::nullopt;
  const fs::path path = output_.parent_path() / name;
  auto file = os::File::open_read_write(path);
  if (!file && file.error().category == base::Category::not_found) return std::nullopt;
  if (!file) return base::fail(std::move(file).error());
  TRY_ASSIGN(const os::FileStat stat, file->stat());
  if (!os::is_ours_alone(stat)) return std::nullopt;
  TRY_ASSIGN(const bool locked, os::lock_description(*file));
  if (!locked) {
    return base::fail(base::Category::conflict,
                      fmt::format("another restore to {} is under way (it writes {})", output_.string(), name));
  }
  temporary_ = path;
  adopted_ = true;
  return *std::move(file);
}

base::Result<> RestoreOutput::discard_adopted() {
  if (!std::exchange(adopted_, false)) return {};
  TRY(os::remove_file(temporary_));
  temporary_ = with_suffix(output_, std::string(kTemporaryMark) + base::random_hex(8));
  return {};
}

fs::path RestoreOutput::record_path() const {
  return with_suffix(output_, ".restoring");
}

base::Result<std::optional<std::string>> RestoreOutput::take_permissions(const os::File& file) const {
  TRY_ASSIGN(const auto replaced, stat_if_there(output_));
  if (!replaced) return std::nullopt;
  TRY_ASSIGN(const os::OwnerTaken taken, os::take_permissions(file, output_));
  if (taken == os::OwnerTaken::yes) return std::nullopt;
  return fmt::format("owner or group of the replaced file (uid {}) could not be kept; chown it, or restore as root",
                     replaced->owner_uid);
}

base::Result<> RestoreOutput::check() const {
  TRY_ASSIGN(const auto stat, stat_if_there(output_));
  if (stat && !stat->is_regular) {
    return base::fail(base::Category::invalid, fmt::format("{} exists and is not a regular file", output_.string()));
  }
  if (on_existing_ == OnExistingOutput::refuse) {
    if (stat) {
      return base::fail(base::Category::conflict, fmt::format("{} exists; -force replaces it", output_.string()));
    }
    for (const std::string_view companion : kCompanions) {
      TRY_ASSIGN(const auto left_over, stat_if_there(with_suffix(output_, companion)));
      if (left_over) {
        return base::fail(base::Category::conflict,
                          fmt::format("{}{} exists and would be taken for a part of the restored database; -force "
                                      "removes it",
                                      output_.string(), companion));
      }
    }
    return {};
  }
  TRY(refuse_if_locked(output_, os::kDbPendingByte, os::kDbSharedFirst + os::kDbSharedSize - os::kDbPendingByte));
  return refuse_if_locked(with_suffix(output_, "-shm"), os::kShmWriteByte, os::kShmDmsByte + 1 - os::kShmWriteByte);
}

base::Result<> RestoreOutput::publish() {
  TRY(check());
  if (on_existing_ == OnExistingOutput::refuse) {
    TRY(os::rename_no_replace(temporary_, output_));
  } else {
    auto renamed = set_companions_aside();
    if (renamed) renamed = os::rename_file(temporary_, output_);
    if (!renamed) {
      put_companions_back();
      return renamed;
    }
  }
  TRY(os::sync_directory(output_.has_parent_path() ? output_.parent_path() : fs::path(".")));
  for (const fs::path& path : set_aside_) TRY(os::remove_file(path));
  return {};
}

base::Result<> RestoreOutput::set_companions_aside() {
  for (const std::string_view companion : kCompanions) {
    const fs::path from = with_suffix(output_, companion);
    TRY_ASSIGN(const auto stat, stat_if_there(from));
    if (!stat) continue;
    const fs::path to = with_suffix(temporary_, ".old" + std::string(companion));
    TRY(os::rename_file(from, to));
    set_aside_.push_back(to);
  }
  return {};
}

void RestoreOutput::put_companions_back() {
  for (const fs::path& path : set_aside_) {
    const std::string name = path.string();
    const fs::path original = with_suffix(output_, std::string_view(name).substr(name.rfind(".old") + 4));
    if (const auto restored = os::rename_file(path, original); !restored) {
      base::log::error("a part of the old database could not be put back",
                       {{"path", name}, {"belongs_to", original.string()}, {"error", restored.error()}});
    }
  }
  set_aside_.clear();
}

}  // namespace engine
