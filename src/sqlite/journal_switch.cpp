#include "sqlite/journal_switch.h"

#include <array>
#include <string_view>

#include "os/file.h"
#include "sqlite/connection.h"

namespace sqlite {

namespace {

enum class Format : std::uint8_t { rollback, wal, other };

// From the file itself: to ask SQLite would open a log that is there already, and its close might take it away.
base::Result<Format> format_of(const std::filesystem::path& path) {
  TRY_ASSIGN(const os::File file, os::File::open_read_only(path));
  std::array<std::uint8_t, 20> header{};
  TRY_ASSIGN(const std::size_t size, file.read_at(0, header));
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  if (size < header.size() || !base::as_text(header).starts_with(kMagic)) return Format::other;
  // Bytes 18 and 19: the versions needed to write and to read. 1 is a rollback journal, 2 a log.
  if (header[18] == 1 && header[19] == 1) return Format::rollback;
  if (header[18] == 2 && header[19] == 2) return Format::wal;
  return Format::other;
}

base::Result<SwitchOutcome> outcome_of(const base::Error& error) {
  if (error.category == base::Category::retry_later) return SwitchOutcome::busy;
  if (error.category == base::Category::denied) return SwitchOutcome::refused;
  return base::fail(error);
}

}  // namespace

base::Result<SwitchOutcome> switch_to_wal(const std::filesystem::path& path) {
  const auto format = format_of(path);
  if (!format) return outcome_of(format.error());
  if (*format == Format::wal) return SwitchOutcome::already_wal;
  if (*format == Format::other) return SwitchOutcome::refused;
  auto connection = Connection::open(path, OpenMode::read_write);
  if (!connection) return outcome_of(connection.error());
  const auto mode = connection->query_text("PRAGMA journal_mode=WAL");
  if (!mode) return outcome_of(mode.error());
  return *mode == "wal" ? SwitchOutcome::switched : SwitchOutcome::refused;
}

}  // namespace sqlite
