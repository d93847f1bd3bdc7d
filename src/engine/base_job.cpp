#include "engine/base_job.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "ltx/checksum.h"
#include "ltx/header.h"

namespace engine {

namespace {

constexpr std::size_t kSliceBytes = 4 << 20;
constexpr std::chrono::milliseconds kBusyWriterRetry{5};
constexpr std::uint32_t kUnwrittenPagesMax = 65536;

BaseResult progress(BaseProgress p, std::string reason = {}, std::chrono::microseconds retry = {}) {
  return {p, std::move(reason), retry, 0};
}

}  // namespace

BaseJob::BaseJob(std::filesystem::path database, std::vector<std::uint64_t> known, std::uint32_t known_page_size,
                 LogTracker& tracker, PageSet& pages, os::FileCloser& closer, const base::Clock& clock, Probe& probe)
    : path_(std::move(database)),
      known_(std::move(known)),
      known_page_size_(known_page_size),
      tracker_(tracker),
      pages_(pages),
      closer_(closer),
      clock_(clock),
      probe_(probe) {}

BaseJob::~BaseJob() {
  if (file_.is_open()) closer_.close_later(std::move(file_));
}

std::uint64_t BaseJob::known_checksum(std::uint32_t page_number) const {
  return page_number <= known_.size() ? known_[page_number - 1] : 0;
}

base::Result<BaseResult> BaseJob::slice() {
  if (!file_.is_open()) {
    auto begun = begin();
    if (!begun && file_.is_open()) closer_.close_later(std::move(file_));
    if (!begun || begun->progress != BaseProgress::more) return begun;
  }
  TRY(read_slice());
  if (lost_because_.empty()) return follow_log();
  if (next_page_ <= page_count_) return BaseResult{};
  return begin_again(std::move(lost_because_));
}

base::Result<BaseResult> BaseJob::follow_log() {
  BaseResult result;
  // What the file shows may come from commits of a moment ago: the last look follows the last read and knows of them.
  // The stamps for a fingerprint come before that look, or a commit in between could hide behind young ones.
  const bool all_read = next_page_ > page_count_;
  if (all_read) {
    last_look_at_ = clock_.unix_now();
    TRY_ASSIGN(before_last_look_, file_.stat());
    if (!tracker_.hear_all()) {
      result.retry_after = kBusyWriterRetry;
      return result;
    }
  }
  TRY_ASSIGN(const TrackResult tracked, tracker_.step(pages_));
  result.commits = tracked.commits;
  if (tracked.outcome == TrackOutcome::gap) return lose_proof(tracked.reason);
  if (tracked.outcome == TrackOutcome::blocked)
    return progress(BaseProgress::wait, tracked.reason, tracked.retry_after);
  log_seen_ = log_seen_ || tracker_.log_open() || tracked.took_pages;
  if (auto why = update_page_count(); !why.empty()) return progress(BaseProgress::refused, std::move(why));
  if (!all_read || next_page_ <= page_count_) return result;
  if (!tracked.looked) {
    result.retry_after = tracked.retry_after;
    return result;
  }
  TRY_ASSIGN(BaseResult finished, finish());
  finished.commits = result.commits;
  return finished;
}

// What the rest of the file holds has to be read once anyway.
BaseResult BaseJob::lose_proof(std::string why) {
  if (read_once_ || next_page_ > page_count_) return begin_again(std::move(why));
  lost_because_ = std::move(why);
  return {};
}

BaseResult BaseJob::begin_again(std::string why) {
  read_once_ = read_once_ || next_page_ > page_count_;
  next_page_ = 1;
  lost_because_.clear();
  closer_.close_later(std::move(file_));
  return progress(BaseProgress::overtaken, std::move(why));
}

base::Result<BaseResult> BaseJob::begin() {
  TRY_ASSIGN(info_, inspect_database(path_, closer_));
  if (info_.kind == DatabaseKind::gone || info_.kind == DatabaseKind::empty) {
    return progress(BaseProgress::wait, "the file is empty or gone", std::chrono::milliseconds(100));
  }
  if (info_.kind == DatabaseKind::refused) return progress(BaseProgress::refused, info_.reason);
  TRY_ASSIGN(os::File file, os::File::open_read_only(path_));
  if (info_.mode == JournalMode::rollback) tracker_.let_log_go();
  if (known_page_size_ != info_.page_size) {  // what was known and what was read is of no use
    known_page_size_ = info_.page_size;
    known_.clear();
    pages_.clear();
    read_once_ = false;
  }
  const base::UnixMillis now = clock_.unix_now();
  auto before = file.stat();
  auto based = tracker_.begin_base(pages_);
  if (!before || !based || based->outcome == TrackOutcome::blocked || tracker_.position().kind == PositionKind::none) {
    closer_.close_later(std::move(file));
    if (!before) return base::fail(before.error());
    if (!based) return base::fail(based.error());
    return progress(BaseProgress::wait, based->reason, based->retry_after);
  }
  file_ = std::move(file);
  change_counter_.reset();
  if (info_.mode == JournalMode::rollback || tracker_.position().kind == PositionKind::closed) {
    TRY_ASSIGN(change_counter_, quiet_change_counter(file_, path_, RollbackCheck::before_reading));
    if (!change_counter_) {
      closer_.close_later(std::move(file_));
      return progress(BaseProgress::wait, "a transaction is being written", kBusyWriterRetry);
    }
  }
  // What the file said before the look may be of a moment before a whole life of a log, or before a VACUUM.
  TRY_ASSIGN(const DatabaseInfo now_it_is, inspect_database(file_));
  if (now_it_is.kind != info_.kind || now_it_is.page_size != info_.page_size || now_it_is.mode != info_.mode) {
    closer_.close_later(std::move(file_));
    return progress(BaseProgress::wait, "the file has just become another one", kBusyWriterRetry);
  }
  info_ = now_it_is;
  before_ = info_.stat;
  // A log that is empty all the time proves by the file alone that nothing was missed (rule E).
  tracker_.note_fingerprint(take_fingerprint(*before, tracker_.all_backfilled(), now));
  log_seen_ = tracker_.log_open();
  if (auto why = update_page_count(); !why.empty()) return progress(BaseProgress::refused, std::move(why));
  if (tracker_.position().kind == PositionKind::closed && info_.claimed_pages > page_count_) {
    closer_.close_later(std::move(file_));
    return progress(BaseProgress::wait, "shorter than its header says: it is being copied, or is damaged",
                    std::chrono::seconds(1));
  }
  BaseResult result;
  result.commits = based->commits;
  return result;
}

std::string BaseJob::update_page_count() {
  const auto in_file = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(before_.size_bytes / info_.page_size, std::numeric_limits<std::uint32_t>::max()));
  page_count_ = tracker_.page_count().value_or(in_file);
  // Pages that a transaction allocates are in the log but for a few that it never wrote.
  if (page_count_ <= in_file + kUnwrittenPagesMax || page_count_ <= pages_.highest() + kUnwrittenPagesMax) return {};
  return fmt::format("its log claims {} pages, which neither the file nor the log has; run PRAGMA integrity_check",
                     page_count_);
}

base::Result<> BaseJob::read_slice() {
  if (next_page_ > page_count_) return {};
  const std::uint32_t page_size = info_.page_size;
  const auto count =
      std::min<std::uint32_t>(page_count_ - next_page_ + 1, static_cast<std::uint32_t>(kSliceBytes / page_size));
  buffer_.resize(std::size_t{count} * page_size);
  TRY_ASSIGN(const std::size_t got, file_.read_at(std::uint64_t{next_page_ - 1} * page_size, buffer_));
  // A page that exists only in the log was put in this pass already; one that was never written at all is a hole of
  // zeros.
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(got), buffer_.end(), std::uint8_t{0});
  bump(probe_.diff_bytes_read, got);
  const std::uint32_t lock_page = ltx::lock_page(page_size);
  for (std::uint32_t i = 0; i < count; ++i, ++next_page_) {
    if (next_page_ == lock_page || pages_.put_in_this_pass(next_page_)) continue;
    const base::ByteView page(buffer_.data() + std::size_t{i} * page_size, page_size);
    const std::uint64_t checksum = ltx::page_checksum(next_page_, page);
    if (checksum != known_checksum(next_page_) || pages_.contains(next_page_)) {
      TRY(pages_.put(next_page_, page, checksum));
    }
  }
  return {};
}

// Was everything that was read from the file committed? A log answers that for itself.
base::Result<bool> BaseJob::is_committed() {
  if (info_.mode == JournalMode::wal && tracker_.position().kind != PositionKind::closed) return true;
  TRY_ASSIGN(const auto counter, quiet_change_counter(file_, path_, RollbackCheck::after_reading));
  if (!counter) return false;
  if (info_.mode == JournalMode::rollback || !log_seen_) return counter == change_counter_;
  // A log has come and gone, and with it the counter went on. A switch of the mode writes page 1 alone.
  buffer_.resize(info_.page_size);
  TRY_ASSIGN(const std::size_t got, file_.read_at(0, buffer_));
  if (got < buffer_.size()) return false;
  const std::uint64_t read = pages_.contains(1) ? pages_.checksum_of(1) : known_checksum(1);
  return ltx::page_checksum(1, buffer_) == read;
}

base::Result<BaseResult> BaseJob::finish() {
  TRY_ASSIGN(const os::FileStat after, file_.stat());
  TRY_ASSIGN(const bool committed, is_committed());
  if (!committed) return begin_again("a transaction was written");
  const bool unmoved = after.size_bytes == before_.size_bytes && after.modified_ns == before_.modified_ns &&
                       after.changed_ns == before_.changed_ns;
  // Without a log nothing but the file itself can have changed.
  if (!log_seen_ && !unmoved) return begin_again("the file changed while it was read");
  const auto named = os::stat_path(path_);
  if (!named || named->inode != after.inode || named->device != after.device) {
    return begin_again("another file took the database's name");
  }
  pages_.truncate(page_count_);
  fingerprint_ = take_fingerprint(before_last_look_, tracker_.all_backfilled(), last_look_at_);
  closer_.close_later(std::move(file_));
  return progress(BaseProgress::done);
}

}  // namespace engine
