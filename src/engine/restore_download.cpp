#include "engine/restore_download.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>

#include <fmt/format.h>

#include "base/check.h"
#include "storage/arrival.h"

namespace engine {
namespace {

constexpr std::uint64_t kChunkBytesMin = 64U << 10;
constexpr std::uint64_t kChunkBytesMax = 4U << 20;

struct Chunk {
  std::size_t file = 0;
  std::uint64_t offset = 0;  // in the object
  std::uint64_t length = 0;
};

struct Answer {
  Chunk chunk;
  base::Result<base::Bytes> bytes;
};

// From the store's thread to ours. Shared with the callbacks, which may come late.
class Mailbox {
 public:
  void put(Answer answer) {
    const std::scoped_lock lock(mutex_);
    answers_.push_back(std::move(answer));
    arrived_.announce();
  }
  Answer take() {
    std::unique_lock lock(mutex_);
    while (answers_.empty()) arrived_.wait(lock);
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

 private:
  std::mutex mutex_;
  storage::Arrival arrived_;
  std::deque<Answer> answers_;
};

}  // namespace

// One download from start to end, on the caller's thread.
class Download {
 public:
  Download(storage::ObjectStore& store, const std::vector<history::BackupFile>& files, const DownloadOptions& options)
      : store_(store), files_(files), options_(options) {
    parallel_ = std::max(options.parallel, 1U);
    chunk_bytes_ = std::clamp<std::uint64_t>(options.in_flight_bytes_max / parallel_, kChunkBytesMin, kChunkBytesMax);
  }

  base::Result<DownloadedFiles> run() {
    TRY(lay_out());
    base::Result<> result;
    const auto forward_stop = std::stop_callback(options_.context.stop, [this] { stop_.request_stop(); });
    while (result && start_requests()) {
      result = accept(mailbox_->take());
      if (!result) stop_.request_stop();
    }
    // Answers refer to this object's stop source and the caller's store: wait for all of them.
    while (in_flight_ > 0) {
      static_cast<void>(mailbox_->take());
      --in_flight_;
    }
    TRY(result);
    return std::move(target_);
  }

 private:
  base::Result<> lay_out() {
    for (const history::BackupFile& file : files_) {
      target_.extents_.push_back({progress_.bytes_total, file.size_bytes});
      progress_.bytes_total += file.size_bytes;
      missing_.push_back(file.size_bytes);
    }
    progress_.objects_total = files_.size();
    if (progress_.bytes_total <= options_.in_memory_bytes_max) {
      target_.memory_.resize(static_cast<std::size_t>(progress_.bytes_total));
      return {};
    }
    TRY_ASSIGN(target_.spool_, os::File::create_new(options_.spool_path));
    return {};
  }

  // Fills the free places; false when nothing is left to wait for.
  bool start_requests() {
    while (in_flight_ < parallel_ && next_.file < files_.size()) {
      const std::uint64_t left = files_[next_.file].size_bytes - next_.offset;
      next_.length = std::min(left, chunk_bytes_);
      start(next_);
      if (next_.length == left) {
        next_ = {.file = next_.file + 1};
      } else {
        next_.offset += next_.length;
      }
    }
    return in_flight_ > 0;
  }

  void start(const Chunk& chunk) {
    const history::BackupFile& file = files_[chunk.file];
    storage::GetRequest request{.key = file.key, .offset = chunk.offset, .length = chunk.length};
    // The whole object is asked for without a range, so that a longer one shows.
    if (chunk.length == file.size_bytes) request.length = std::nullopt;
    ++in_flight_;
    store_.get(
        std::move(request), {.deadline = options_.context.deadline, .stop = stop_.get_token()},
        [mailbox = mailbox_, chunk](base::Result<base::Bytes> bytes) { mailbox->put({chunk, std::move(bytes)}); });
  }

  base::Result<> accept(Answer answer) {
    --in_flight_;
    const history::BackupFile& file = files_[answer.chunk.file];
    if (!answer.bytes) return base::fail(answer.bytes.error().with_context(file.key.value));
    if (answer.bytes->size() != answer.chunk.length) {
      return base::fail(base::Category::corrupt,
                        fmt::format("{}: {} bytes where the listing promised {}", file.key.value, answer.bytes->size(),
                                    answer.chunk.length));
    }
    TRY(target_.store(target_.extents_[answer.chunk.file].offset + answer.chunk.offset, *answer.bytes));
    progress_.bytes_done += answer.chunk.length;
    missing_[answer.chunk.file] -= answer.chunk.length;
    if (missing_[answer.chunk.file] == 0) ++progress_.objects_done;
    if (options_.on_progress) options_.on_progress(progress_);
    return {};
  }

  storage::ObjectStore& store_;
  const std::vector<history::BackupFile>& files_;
  const DownloadOptions& options_;
  unsigned parallel_ = 1;
  std::uint64_t chunk_bytes_ = 1;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::stop_source stop_;
  DownloadedFiles target_;
  std::vector<std::uint64_t> missing_;  // bytes of each object
  Chunk next_;
  unsigned in_flight_ = 0;
  DownloadProgress progress_;
};

base::Result<> DownloadedFiles::store(std::uint64_t position, base::ByteView bytes) {
  if (spool_) return spool_->write_at(position, bytes);
  std::ranges::copy(bytes, memory_.begin() + static_cast<std::ptrdiff_t>(position));
  return {};
}

ltx::Source DownloadedFiles::source(std::size_t index) const {
  CHECK(index < extents_.size());
  const Extent extent = extents_[index];
  if (!spool_) {
    return ltx::memory_source(base::ByteView(memory_).subspan(extent.offset, extent.length));
  }
  return [this, at = extent.offset,
          end = extent.offset + extent.length](base::MutableByteView out) mutable -> base::Result<std::size_t> {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end - at));
    TRY_ASSIGN(const std::size_t count, spool_->read_at(at, out.first(wanted)));
    at += count;
    return count;
  };
}

base::Result<DownloadedFiles> download(storage::ObjectStore& store, const std::vector<history::BackupFile>& files,
                                       const DownloadOptions& options) {
  return Download(store, files, options).run();
}

}  // namespace engine
