#include "engine/attached.h"

#include <cstdint>
#include <utility>

#include "os/file.h"
#include "os/file_lock.h"

namespace engine {

namespace {

bool unused(const std::filesystem::path& path, std::uint64_t first_lock, std::uint64_t locks, os::FileCloser& closer) {
  auto file = os::File::open_read_only(path);
  if (!file) return file.error().category == base::Category::not_found;
  const auto holder = os::lock_holder(*file, first_lock, locks);
  const bool answer = holder && !*holder && os::read_leases_granted(*file);
  closer.close_later(std::move(*file));
  return answer;
}

}  // namespace

bool nobody_attached(const std::filesystem::path& database, os::FileCloser& closer) {
  const auto kind = os::file_system_kind(database);
  if (!kind || *kind != os::FileSystemKind::local) return false;
  return unused(database, os::kDbPendingByte, 2 + os::kDbSharedSize, closer) &&
         unused(database.string() + "-wal", 0, 1, closer) &&
         unused(database.string() + "-shm", os::kShmWriteByte, os::kShmDmsByte - os::kShmWriteByte + 1, closer);
}

}  // namespace engine
