#include "engine/page_shelf.h"

#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "ltx/checksum.h"

namespace engine {
namespace {

constexpr int kCacheKib = 1024;
constexpr std::chrono::milliseconds kBusyTimeout{200};
constexpr std::uint32_t kIndexPage = 0;  // the row of an object's index
constexpr int kRowsPerRemoval = 512;

// `total` holds one row: bytes of all frames and indexes.
constexpr char kSchema[] = R"sql(
PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS pages(
  id INTEGER PRIMARY KEY, file INTEGER NOT NULL, page INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL,
  UNIQUE(file, page));
CREATE TABLE IF NOT EXISTS total(bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
COMMIT;
)sql";

std::int64_t checksum_of(base::ByteView bytes) {
  ltx::Crc64 crc;
  crc.update(bytes);
  return static_cast<std::int64_t>(crc.value());
}

base::Result<> make_private(const std::filesystem::path& directory) {
  std::error_code failure;
  if (!std::filesystem::create_directory(directory, failure)) {
    if (!failure) return {};  // it was there, with the permissions that somebody wanted
  } else {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failure);
  }
  if (!failure) return {};
  return base::fail(base::Category::io, "cache directory " + directory.string() + ": " + failure.message());
}

base::Result<sqlite::Connection> open_file(const std::filesystem::path& file) {
  TRY_ASSIGN(auto connection,
             sqlite::Connection::open(file, sqlite::OpenMode::read_write_create, {kBusyTimeout, kCacheKib}));
  TRY(connection.execute(kSchema));
  return connection;
}

}  // namespace

PageShelf::PageShelf(sqlite::Connection connection, std::uint64_t quota_bytes)
    : connection_(std::move(connection)), quota_(quota_bytes) {}

base::Result<PageShelf> PageShelf::open(const std::filesystem::path& directory, std::uint64_t quota_bytes) {
  TRY(make_private(directory));
  const auto file = directory / "pages.db";
  auto connection = open_file(file);
  if (!connection) {
    base::Error error = connection.error().with_context("cache " + file.string());
    if (error.category == base::Category::corrupt) error.message += "; remove it, nothing is lost";
    error.category = base::Category::io;  // no word about the backup
    return base::fail(std::move(error));
  }
  return PageShelf(*std::move(connection), quota_bytes);
}

void PageShelf::note(const base::Error& error) {
  if (error.category == base::Category::retry_later) return;  // another query is at it
  connection_.reset();
  failure_ = error;
}

std::optional<base::Bytes> PageShelf::index(std::uint64_t file_checksum) {
  return frame(file_checksum, kIndexPage);
}

void PageShelf::keep_index(std::uint64_t file_checksum, base::ByteView tail) {
  const std::array<ShelvedFrame, 1> one{{{file_checksum, kIndexPage, tail}}};
  keep_frames(one);
}

std::optional<base::Bytes> PageShelf::frame(std::uint64_t file_checksum, std::uint32_t page) {
  if (!connection_) return std::nullopt;
  auto found = try_get(file_checksum, page);
  if (found) return *std::move(found);
  note(found.error());
  return std::nullopt;
}

void PageShelf::keep_frames(std::span<const ShelvedFrame> frames) {
  if (!connection_ || frames.empty()) return;
  if (const auto kept = try_keep(frames); !kept) note(kept.error());
}

base::Result<std::optional<base::Bytes>> PageShelf::try_get(std::uint64_t file_checksum, std::uint32_t page) {
  TRY_ASSIGN(auto select, connection_->prepare("SELECT sum, bytes FROM pages WHERE file = ?1 AND page = ?2"));
  select.bind(1, static_cast<std::int64_t>(file_checksum)).bind(2, std::int64_t{page});
  TRY_ASSIGN(const bool there, select.step());
  if (!there) return std::nullopt;
  const base::ByteView bytes = select.blob(1);
  if (checksum_of(bytes) != select.integer(0)) return std::nullopt;
  return base::Bytes(bytes.begin(), bytes.end());
}

base::Result<> PageShelf::try_keep(std::span<const ShelvedFrame> frames) {
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(*connection_));
  TRY_ASSIGN(auto insert,
             connection_->prepare("INSERT OR IGNORE INTO pages(file, page, sum, bytes) VALUES(?1, ?2, ?3, ?4)"));
  std::int64_t added = 0;
  for (const ShelvedFrame& frame : frames) {
    insert.bind(1, static_cast<std::int64_t>(frame.file_checksum)).bind(2, std::int64_t{frame.page});
    insert.bind(3, checksum_of(frame.frame)).bind(4, frame.frame);
    TRY(insert.run());
    if (connection_->changed_rows() > 0) added += static_cast<std::int64_t>(frame.frame.size());
  }
  TRY_ASSIGN(auto count, connection_->prepare("UPDATE total SET bytes = bytes + ?1"));
  TRY(count.bind(1, added).run());
  TRY(make_room());
  return transaction.commit();
}

base::Result<> PageShelf::make_room() {
  while (true) {
    TRY_ASSIGN(const std::int64_t total, connection_->query_integer("SELECT bytes FROM total"));
    if (total <= static_cast<std::int64_t>(quota_)) return {};
    const std::string oldest = "(SELECT id FROM pages ORDER BY id LIMIT " + std::to_string(kRowsPerRemoval) + ")";
    TRY_ASSIGN(const std::int64_t bytes,
               connection_->query_integer("SELECT ifnull(sum(length(bytes)), 0) FROM pages WHERE id IN " + oldest));
    if (bytes == 0) return connection_->execute("UPDATE total SET bytes = 0");
    TRY(connection_->execute("DELETE FROM pages WHERE id IN " + oldest));
    TRY(connection_->execute("UPDATE total SET bytes = bytes - " + std::to_string(bytes)));
  }
}

}  // namespace engine
