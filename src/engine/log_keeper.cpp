#include "engine/log_keeper.h"

#include <cstdint>
#include <utility>

#include "engine/look.h"

namespace engine {

namespace {

bool is_still(const os::File& file, const std::filesystem::path& path) {
  const auto opened = file.stat();
  const auto named = os::stat_path(path);
  return opened && named && os::id_of(*opened) == os::id_of(*named);
}

bool unused(const os::File& shm, std::uint32_t slot) {
  const auto index = read_index(shm);
  return index && *index && (**index).read_marks.at(slot) == wal::kUnusedReadMark;
}

bool lock(const os::File& file, std::uint64_t first, std::uint64_t count, os::SharedLock& into) {
  auto taken = os::SharedLock::try_lock(file, first, count);
  if (!taken || !*taken) return false;
  into = std::move(**taken);
  return true;
}

}  // namespace

void LogKeeper::take(const std::filesystem::path& database) {
  if (complete()) return;
  if (!held() && !take_database(database)) return release();
  if (!take_index(database.string() + "-shm")) release_index();
}

bool LogKeeper::take_database(const std::filesystem::path& database) {
  auto file = os::File::open_read_only(database);
  if (!file) return false;
  database_ = std::move(*file);
  // Somebody who waits for readers to go is not made to wait longer.
  const auto pending = os::lock_holder(database_, os::kDbPendingByte);
  if (!pending || (*pending && (**pending).exclusive)) return false;
  return lock(database_, os::kDbSharedFirst, os::kDbSharedSize, database_lock_) && is_still(database_, database);
}

bool LogKeeper::take_index(const std::filesystem::path& index) {
  auto file = os::File::open_read_only(index);
  if (!file) return false;
  index_ = std::move(*file);
  // Never the only one to vouch for an index that we found without a voucher: it may be stale, and the next opener
  // would take it for good. Nobody can delete it any more, since the database is held.
  if (!vouched(index_) || !lock(index_, os::kShmDmsByte, 1, index_lock_)) return false;
  return vouched(index_) && is_still(index_, index) && take_slot();
}

bool LogKeeper::take_slot() {
  for (const std::uint32_t slot : {4U, 3U}) {
    if (!unused(index_, slot) || !lock(index_, os::kShmRead0Byte + slot, 1, slot_lock_)) continue;
    if (unused(index_, slot)) return true;
    slot_lock_.release();  // became a reader's between the two reads
  }
  return false;
}

void LogKeeper::release_index() {
  slot_lock_.release();
  index_lock_.release();
  if (index_.is_open()) closer_.close_later(std::move(index_));
}

void LogKeeper::release() {
  release_index();
  database_lock_.release();
  if (database_.is_open()) closer_.close_later(std::move(database_));
}

bool LogKeeper::vouches_for(const os::File& shm) const {
  if (!complete()) return false;
  const auto kept = index_.stat();
  const auto asked = shm.stat();
  return kept && asked && os::id_of(*kept) == os::id_of(*asked) && kept->links > 0;
}

}  // namespace engine
