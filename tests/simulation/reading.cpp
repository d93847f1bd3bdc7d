#include <algorithm>
#include <string_view>

#include "history.h"
#include "ltx/checksum.h"
#include "ltx/header.h"
#include "os/file_lock.h"
#include "wal/frames.h"
#include "wal/index.h"

namespace simulation {

namespace {

constexpr std::size_t kHeaderBytes = 100;

std::uint32_t page_size_of(const Inode& file) {
  std::array<std::uint8_t, kHeaderBytes> header{};
  if (file.read(0, header) < header.size()) return 0;
  const std::uint32_t raw = (std::uint32_t{header[16]} << 8) | header[17];
  return raw == 1 ? 65536 : raw;
}

// The file with frames laid over it.
CommittedState lay_over(const Inode& file, const Inode* log, const std::map<std::uint32_t, std::uint32_t>& newest,
                        std::uint32_t page_size, std::uint32_t page_count) {
  CommittedState state{page_size, page_count, 0};
  ltx::DatabaseChecksum sum;
  base::Bytes page(page_size);
  const std::uint32_t lock_page = ltx::lock_page(page_size);
  for (std::uint32_t number = 1; number <= page_count; ++number) {
    if (number == lock_page) continue;
    std::ranges::fill(page, std::uint8_t{0});
    if (const auto frame = newest.find(number); frame != newest.end()) {
      log->read(wal::frame_offset(frame->second, page_size) + wal::kFrameHeaderBytes, page);
    } else {
      file.read(std::uint64_t{number - 1} * page_size, page);
    }
    sum.toggle(ltx::page_checksum(number, page));
  }
  state.checksum = sum.value();
  return state;
}

// By a last close, for one: nobody can open it before that is through.
bool held_exclusively(const Inode& file) {
  return std::ranges::any_of(file.locks,
                             [](const Lock& lock) { return lock.exclusive && lock.first >= os::kDbSharedFirst; });
}

std::uint32_t pages_in(const Inode& file, std::uint32_t page_size) {
  return static_cast<std::uint32_t>(file.size / page_size);
}

bool journal_is_gone(const Disk& disk, const std::string& database) {
  const InodePtr journal = disk.find(database + "-journal");
  std::array<std::uint8_t, 8> magic{};
  return journal == nullptr || journal->read(0, magic) < magic.size() ||
         std::ranges::all_of(magic, [](std::uint8_t b) { return b == 0; });
}

}  // namespace

bool Reading::vouched(const Inode& shm) {
  return std::ranges::any_of(shm.locks, [](const Lock& lock) {
    return lock.first <= os::kShmDmsByte && lock.end > os::kShmDmsByte && lock.pid >= 100 && !lock.exclusive;
  });
}

std::optional<CommittedState> Reading::published(const Disk& disk, const std::string& database) {
  const InodePtr file = disk.find(database);
  const InodePtr shm = disk.find(database + "-shm");
  const InodePtr log = disk.find(database + "-wal");
  if (file == nullptr || shm == nullptr || log == nullptr || !vouched(*shm)) return std::nullopt;
  std::array<std::uint8_t, wal::kIndexHeaderBytes> raw{};
  if (shm->read(0, raw) < raw.size()) return std::nullopt;
  const auto index = wal::parse_index(raw);
  if (!index) return std::nullopt;
  std::map<std::uint32_t, std::uint32_t> newest;
  for (std::uint32_t frame = 1; frame <= index->max_frame; ++frame) {
    std::array<std::uint8_t, 4> number{};
    log->read(wal::frame_offset(frame, index->page_size), number);
    newest[base::load_be32(number.data())] = frame;
  }
  const std::uint32_t page_size = index->max_frame > 0 ? index->page_size : page_size_of(*file);
  if (page_size == 0) return std::nullopt;
  return lay_over(*file, log.get(), newest, page_size,
                  index->max_frame > 0 ? index->page_count : pages_in(*file, page_size));
}

std::optional<CommittedState> Reading::in_file(const Disk& disk, const std::string& database) {
  const InodePtr file = disk.find(database);
  if (file == nullptr || !journal_is_gone(disk, database)) return std::nullopt;
  if (const InodePtr log = disk.find(database + "-wal"); log != nullptr && log->size > 0) return std::nullopt;
  const std::uint32_t page_size = page_size_of(*file);
  if (page_size == 0) return std::nullopt;
  return lay_over(*file, nullptr, {}, page_size, pages_in(*file, page_size));
}

std::optional<CommittedState> Reading::recovered(const Disk& disk, const std::string& database) {
  const InodePtr file = disk.find(database);
  const InodePtr log = disk.find(database + "-wal");
  if (file == nullptr || !journal_is_gone(disk, database) || held_exclusively(*file)) return std::nullopt;
  if (const InodePtr shm = disk.find(database + "-shm"); shm != nullptr && vouched(*shm)) return std::nullopt;
  std::uint32_t page_size = page_size_of(*file);
  std::uint32_t page_count = page_size == 0 ? 0 : pages_in(*file, page_size);
  std::map<std::uint32_t, std::uint32_t> newest;
  std::array<std::uint8_t, wal::kHeaderBytes> raw{};
  if (log != nullptr && log->read(0, raw) == raw.size()) {
    if (const auto header = wal::parse_log_header(raw)) {
      wal::ChainWalker walker(header->salts, header->big_endian_checksums, header->page_size, header->checksum);
      base::Bytes frame(wal::kFrameHeaderBytes + header->page_size);
      std::map<std::uint32_t, std::uint32_t> open;
      for (std::uint32_t number = 1;; ++number) {
        if (log->read(wal::frame_offset(number, header->page_size), frame) < frame.size()) break;
        const auto valid = walker.next(frame);
        if (!valid) break;
        open[valid->page_number] = number;
        if (!valid->is_commit()) continue;
        for (const auto& [page, at] : open) newest[page] = at;
        open.clear();
        page_size = header->page_size;
        page_count = valid->commit_page_count;
      }
    }
  }
  if (page_size == 0) return std::nullopt;
  return lay_over(*file, log.get(), newest, page_size, page_count);
}

}  // namespace simulation
