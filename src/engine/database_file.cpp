#include "engine/database_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.h"
#include "ltx/header.h"
#include "os/file_lock.h"

namespace engine {

namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kPageSizeAt = 16, kWriteVersionAt = 18, kReadVersionAt = 19, kChangeCounterAt = 24,
                      kPageCountAt = 28, kVersionValidForAt = 92;

DatabaseInfo parse(base::ByteView header, const os::FileStat& stat) {
  DatabaseInfo info;
  info.stat = stat;
  info.kind = DatabaseKind::refused;
  if (base::as_text(header.first(kMagic.size())) != kMagic) {
    info.reason = "not a plain SQLite database (encrypted, or another kind of file)";
    return info;
  }
  const std::uint32_t raw = (std::uint32_t{header[kPageSizeAt]} << 8) | header[kPageSizeAt + 1];
  info.page_size = raw == 1 ? 65536 : raw;
  if (!ltx::is_valid_page_size(info.page_size)) {
    info.reason = "its header names an invalid page size; run PRAGMA integrity_check";
    return info;
  }
  const std::uint8_t write = header[kWriteVersionAt];
  const std::uint8_t read = header[kReadVersionAt];
  if (write > 2 || read > 2) {
    info.reason = "written by a SQLite branch with another log format (wal2), which cannot be captured";
    return info;
  }
  // The in-header size counts only if whoever wrote last knew of it.
  if (base::load_be32(&header[kChangeCounterAt]) == base::load_be32(&header[kVersionValidForAt])) {
    info.claimed_pages = base::load_be32(&header[kPageCountAt]);
  }
  info.mode = write == 2 && read == 2 ? JournalMode::wal : JournalMode::rollback;
  info.kind = DatabaseKind::database;
  return info;
}

// A journal that belongs to nobody: its writer died, and the next opener will roll it back.
base::Result<bool> hot_journal(const os::File& database, const std::filesystem::path& path) {
  auto journal = os::File::open_read_only(path.string() + "-journal");
  if (!journal) {
    if (journal.error().category == base::Category::not_found) return false;
    return base::fail(journal.error());
  }
  std::array<std::uint8_t, 8> magic{};
  TRY_ASSIGN(const std::size_t got, journal->read_at(0, magic));
  if (got < magic.size() || std::ranges::all_of(magic, [](std::uint8_t b) { return b == 0; })) return false;
  TRY_ASSIGN(const auto owner, os::lock_holder(database, os::kDbReservedByte));
  return !owner.has_value();
}

}  // namespace

base::Result<DatabaseInfo> inspect_database(const os::File& file) {
  DatabaseInfo info;
  TRY_ASSIGN(info.stat, file.stat());
  std::array<std::uint8_t, kHeaderBytes> header{};
  TRY_ASSIGN(const std::size_t got, file.read_at(0, header));
  info.kind = DatabaseKind::refused;
  if (!info.stat.is_regular) {
    info.reason = "not a regular file";
    return info;
  }
  if (info.stat.links > 1) {
    info.reason = "it has another name (hard link), through which it can be written unseen; keep one name";
    return info;
  }
  if (got < header.size()) {
    info.kind = DatabaseKind::empty;
    return info;
  }
  return parse(header, info.stat);
}

base::Result<DatabaseInfo> inspect_database(const std::filesystem::path& path, os::FileCloser& closer) {
  DatabaseInfo info;
  auto file = os::File::open_read_only(path);
  if (!file) {
    if (file.error().category == base::Category::not_found) return info;
    if (file.error().category != base::Category::denied) return base::fail(file.error());
    info.kind = DatabaseKind::refused;
    info.reason = file.error().message;
    return info;
  }
  auto inspected = inspect_database(*file);
  closer.close_later(std::move(*file));
  return inspected;
}

base::Result<std::optional<std::uint32_t>> quiet_change_counter(const os::File& database,
                                                                const std::filesystem::path& path,
                                                                RollbackCheck check) {
  const auto counter = [&]() -> base::Result<std::uint32_t> {
    std::array<std::uint8_t, 4> raw{};
    TRY_ASSIGN(const std::size_t got, database.read_at(kChangeCounterAt, raw));
    if (got < raw.size()) return base::fail(base::Category::retry_later, "the database became shorter than its header");
    return base::load_be32(raw.data());
  };
  const auto quiet = [&]() -> base::Result<bool> {
    TRY_ASSIGN(const auto writer, os::lock_holder(database, os::kDbPendingByte));
    if (writer && writer->exclusive) return false;
    TRY_ASSIGN(const bool hot, hot_journal(database, path));
    return !hot;
  };
  // Before: the counter first, so that a writer that is at work is seen by its lock. After: the lock first, so that one
  // that has finished is seen by the counter.
  if (check == RollbackCheck::before_reading) {
    TRY_ASSIGN(const std::uint32_t value, counter());
    TRY_ASSIGN(const bool is_quiet, quiet());
    if (!is_quiet) return std::nullopt;
    return value;
  }
  TRY_ASSIGN(const bool is_quiet, quiet());
  if (!is_quiet) return std::nullopt;
  TRY_ASSIGN(const std::uint32_t value, counter());
  return value;
}

}  // namespace engine
