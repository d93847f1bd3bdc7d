#include "engine/local_state.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/database_file.h"
#include "engine/log_reader.h"
#include "engine/look.h"
#include "ltx/checksum.h"
#include "ltx/header.h"
#include "os/file.h"
#include "os/file_lock.h"
#include "wal/frames.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Category;

constexpr int kTries = 3;
constexpr std::uint64_t kReadBytes = 1U << 20;

base::UnixMillis millis(std::int64_t nanoseconds) {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(nanoseconds));
}

// A descriptor that goes to the closer.
class ClosedLater {
 public:
  ClosedLater(os::FileCloser& closer, const fs::path& path) : closer_(closer), path_(path) {}
  ~ClosedLater() {
    if (file_.is_open()) closer_.close_later(std::move(file_));
  }
  ClosedLater(const ClosedLater&) = delete;
  ClosedLater& operator=(const ClosedLater&) = delete;

  // True: open now. False: there is no such file.
  base::Result<bool> open() {
    auto file = os::File::open_read_only(path_);
    if (!file && file.error().category == Category::not_found) return false;
    if (!file) return base::fail(std::move(file).error());
    file_ = *std::move(file);
    TRY_ASSIGN(stat_, file_.stat());
    return true;
  }
  // Neither written since, nor exchanged.
  [[nodiscard]] bool is_as_before() const {
    const auto now = os::stat_path(path_);
    if (!file_.is_open()) return !now && now.error().category == Category::not_found;
    return now && *now == stat_;
  }
  [[nodiscard]] const os::File& file() const { return file_; }
  [[nodiscard]] const os::FileStat& stat() const { return stat_; }

 private:
  os::FileCloser& closer_;
  fs::path path_;
  os::File file_;
  os::FileStat stat_;
};

class LocalReader {
 public:
  LocalReader(const fs::path& path, os::FileCloser& closer, const std::stop_token& stop)
      : path_(path),
        stop_(stop),
        database_(closer, path),
        log_(closer, path.string() + "-wal"),
        index_(closer, path.string() + "-shm") {}

  base::Result<std::optional<LocalState>> read() {
    TRY_ASSIGN(const bool there, database_.open());
    if (!there) return base::fail(Category::not_found, path_.string() + " does not exist");
    TRY_ASSIGN(const DatabaseInfo info, inspect_database(database_.file()));
    if (info.kind != DatabaseKind::database) {
      return base::fail(Category::corrupt, fmt::format("{} is no SQLite database{}{}", path_.string(),
                                                       info.reason.empty() ? "" : ": ", info.reason));
    }
    page_size_ = info.page_size;
    TRY(log_.open());
    TRY(index_.open());
    if (is_young(database_.stat()) || (log_.file().is_open() && is_young(log_.stat()))) return std::nullopt;
    TRY_ASSIGN(const auto counter, quiet_change_counter(database_.file(), path_, RollbackCheck::before_reading));
    if (info.mode == JournalMode::rollback && !counter) return std::nullopt;
    TRY_ASSIGN(const bool committed, find_frames());
    if (!committed) return std::nullopt;
    pages_ = frames_.page_count != 0   ? frames_.page_count
             : info.claimed_pages != 0 ? info.claimed_pages
                                       : static_cast<std::uint32_t>(database_.stat().size_bytes / page_size_);
    TRY_ASSIGN(const bool whole, add_pages());
    if (!whole || !database_.is_as_before() || !log_.is_as_before()) return std::nullopt;
    TRY_ASSIGN(const bool still, index_stands_still());
    if (!still) return std::nullopt;
    if (info.mode == JournalMode::rollback) {
      TRY_ASSIGN(const auto again, quiet_change_counter(database_.file(), path_, RollbackCheck::after_reading));
      if (again != counter) return std::nullopt;
    }
    return LocalState{.page_size = page_size_,
                      .pages = pages_,
                      .checksum = sum_.value(),
                      .changed_at = millis(std::max(database_.stat().modified_ns, log_.stat().modified_ns))};
  }

 private:
  // Its times may stay as they are when it is written again.
  static bool is_young(const os::FileStat& stat) {
    return base::system_clock().unix_now() - millis(stat.modified_ns) <= os::kTimestampGranularity;
  }

  base::Result<bool> find_frames() {
    if (!log_.file().is_open() || log_.stat().size_bytes == 0) return true;
    TRY_ASSIGN(const auto start, log_start(log_.file()));
    if (!start || start->page_size != page_size_) return true;
    FrameRange range{.after = *start, .to = kToLastValidCommit};
    // The index says what is committed for as long as somebody is attached. Behind the last one the next recovers the
    // log as far as it is whole, also a commit that was never published because its sync failed.
    TRY_ASSIGN(const bool known, see_who_is_attached());
    if (!known) return false;
    if (attached_ == true) {
      TRY_ASSIGN(index_before_, read_index(index_.file()));
      if (!index_before_) return false;
      if (index_before_->salts != start->salts) return index_before_->max_frame == 0;
      range.to = index_before_->max_frame;
      range.unsummed_too = true;
    }
    if (range.to == 0) return true;
    TRY_ASSIGN(frames_, read_committed(log_.file(), range));
    return frames_.whole;
  }

  // False: nobody but a daemon, whose lock keeps the next one from recovering the log for a moment.
  base::Result<bool> see_who_is_attached() {
    if (!index_.file().is_open()) return true;  // where one comes meanwhile the log's time moves
    attached_ = vouched(index_.file());
    if (*attached_) return true;
    TRY_ASSIGN(const auto holder, os::lock_holder(index_.file(), os::kShmDmsByte));
    return !holder;
  }

  base::Result<bool> index_stands_still() const {
    if (attached_ && vouched(index_.file()) != *attached_) return false;
    if (!index_before_) return true;
    TRY_ASSIGN(const auto now, read_index(index_.file()));
    return now && now->same_commit(*index_before_);
  }

  base::Result<bool> add_pages() {
    const std::uint64_t at_once = std::max<std::uint64_t>(kReadBytes / page_size_, 1);
    base::Bytes buffer(at_once * page_size_);
    for (std::uint64_t first = 1; first <= pages_; first += at_once) {
      if (stop_.stop_requested()) return base::fail(Category::cancelled, "stopped");
      TRY_ASSIGN(const std::size_t count, database_.file().read_at((first - 1) * page_size_, buffer));
      for (std::uint64_t i = 0; i < at_once && first + i <= pages_; ++i) {
        const auto page = static_cast<std::uint32_t>(first + i);
        if (page == ltx::lock_page(page_size_)) continue;
        const auto at = base::MutableByteView(buffer).subspan(i * page_size_, page_size_);
        if (const auto frame = frames_.newest.find(page); frame != frames_.newest.end()) {
          TRY_ASSIGN(const bool read, read_frame(frame->second, at));
          if (!read) return false;
        } else if ((i + 1) * page_size_ > count) {
          return false;  // a file that is shorter than it says: it is being written
        }
        sum_.toggle(ltx::page_checksum(page, at));
      }
    }
    return true;
  }

  base::Result<bool> read_frame(std::uint32_t frame, base::MutableByteView out) const {
    const std::uint64_t at = wal::frame_offset(frame, page_size_) + wal::kFrameHeaderBytes;
    TRY_ASSIGN(const std::size_t count, log_.file().read_at(at, out));
    return count == out.size();
  }

  const fs::path& path_;
  const std::stop_token& stop_;
  ClosedLater database_, log_, index_;
  std::optional<bool> attached_;  // nullopt: the log is empty, whatever its index says
  std::optional<wal::IndexHeader> index_before_;
  CommittedFrames frames_;
  std::uint32_t page_size_ = 0;
  std::uint32_t pages_ = 0;
  ltx::DatabaseChecksum sum_;
};

}  // namespace

base::Result<std::optional<LocalState>> read_local_state(const fs::path& database, os::FileCloser& closer,
                                                         const std::stop_token& stop) {
  for (int tries = 1;; ++tries) {
    TRY_ASSIGN(auto state, LocalReader(database, closer, stop).read());
    if (state || tries == kTries) return state;
  }
}

}  // namespace engine
