#include "engine/restore_generation.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "engine/range_fetcher.h"
#include "ltx/header.h"
#include "ltx/lz4_frame.h"
#include "sqlite/connection.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Category;

constexpr std::uint64_t kRangeBytes = 1U << 20;
constexpr std::size_t kDatabaseHeaderBytes = 100;
constexpr std::size_t kPageSizeAt = 16;

class GenerationRestore {
 public:
  GenerationRestore(storage::ObjectStore& store, const history::GenerationPlan& plan, const fs::path& path,
                    const RestoreOptions& options)
      : path_(path),
        wal_path_(path.string() + "-wal"),
        options_(options),
        fetcher_(store, [this] { return next_range(); },
                 {.parallel = options.parallel_downloads, .context = options.context}) {
    objects_.push_back(&plan.snapshot);
    for (const auto& segment : plan.segments) objects_.push_back(&segment);
    for (const auto* object : objects_) progress_.bytes_total += object->size_bytes;
    progress_.objects_total = objects_.size();
  }

  base::Result<RestoreReport> run(os::File file) {
    TRY(unpack(*objects_.front(), file, 0));
    file.close();
    os::File wal;
    std::uint64_t written = 0;
    for (const auto* segment : std::span(objects_).subspan(1)) {
      if (segment->offset == 0) {
        TRY(replay(std::move(wal)));
        TRY_ASSIGN(wal, os::File::create(wal_path_));
        written = 0;
      }
      if (segment->offset != written) return missing_before(*segment, written);
      TRY_ASSIGN(written, unpack(*segment, wal, written));
    }
    TRY(replay(std::move(wal)));
    return describe();
  }

 private:
  std::optional<Range> next_range() {
    while (asked_object_ < objects_.size()) {
      const auto& object = *objects_[asked_object_];
      if (asked_offset_ < object.size_bytes) {
        const std::uint64_t length = std::min(kRangeBytes, object.size_bytes - asked_offset_);
        return Range{object.key, std::exchange(asked_offset_, asked_offset_ + length), length, asked_object_};
      }
      ++asked_object_;
      asked_offset_ = 0;
    }
    return std::nullopt;
  }

  // Decompresses one object into `file` from `at` on; the result is where it ends.
  base::Result<std::uint64_t> unpack(const history::GenerationObject& object, os::File& file, std::uint64_t at) {
    ltx::Lz4FrameReader frame([&](base::ByteView bytes) -> base::Result<> {
      TRY(file.write_at(at, bytes));
      at += bytes.size();
      return {};
    });
    for (std::uint64_t left = object.size_bytes; left > 0;) {
      TRY_ASSIGN(const auto fetched, fetcher_.next());
      left -= fetched.range.length;
      progress_.bytes_done += fetched.range.length;
      if (options_.on_progress) options_.on_progress(progress_);
      TRY(name(object, frame.feed(fetched.bytes)));
    }
    TRY(name(object, frame.finish()));
    ++progress_.objects_done;
    return at;
  }

  static base::Result<> name(const history::GenerationObject& object, const base::Result<>& result) {
    if (result || result.error().category != Category::corrupt) return result;
    return base::fail(result.error().with_context(object.key.value));
  }

  static std::unexpected<base::Error> missing_before(const history::GenerationObject& segment, std::uint64_t written) {
    return base::fail(Category::corrupt,
                      fmt::format("{}: the WAL segments before it end at offset {}; -at with a time before {} restores "
                                  "what lies before the hole",
                                  segment.key.value, written, base::to_rfc3339(segment.created_at)));
  }

  // Whatever stands behind the last commit of a log is passed over, as after a crash of the application.
  base::Result<> replay(os::File wal) {
    if (!wal.is_open()) return {};
    wal.close();
    auto connection = sqlite::Connection::open(path_, sqlite::OpenMode::read_write);
    if (!connection) return base::fail(connection.error().with_context("restored pages"));
    // Exclusive: the index of the log stays in memory, no file is made for it.
    auto replayed = connection->execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA wal_checkpoint(TRUNCATE);");
    if (!replayed) return base::fail(replayed.error().with_context("replay of the log"));
    return {};
  }

  base::Result<RestoreReport> describe() const {
    TRY_ASSIGN(const os::File file, os::File::open_read_only(path_));
    TRY_ASSIGN(const os::FileStat stat, file.stat());
    std::array<std::uint8_t, kDatabaseHeaderBytes> header{};
    TRY_ASSIGN(const std::size_t count, file.read_at(0, header));
    const std::uint32_t stated = base::load_be16(header.data() + kPageSizeAt);
    const std::uint32_t page_size = stated == 1 ? 65536 : stated;
    if (count < header.size() || !ltx::is_valid_page_size(page_size)) {
      return base::fail(Category::corrupt, objects_.front()->key.value + ": holds no SQLite database");
    }
    RestoreReport report;
    report.page_size = page_size;
    report.pages = static_cast<std::uint32_t>(stat.size_bytes / page_size);
    report.timestamp = objects_.back()->created_at;
    report.objects = objects_.size();
    report.downloaded_bytes = progress_.bytes_total;
    return report;
  }

  const fs::path& path_;
  const fs::path wal_path_;
  const RestoreOptions& options_;
  std::vector<const history::GenerationObject*> objects_;  // snapshot first
  DownloadProgress progress_;
  std::size_t asked_object_ = 0;
  std::uint64_t asked_offset_ = 0;
  RangeFetcher fetcher_;  // last: it asks next_range()
};

}  // namespace

base::Result<RestoreReport> restore_generation(storage::ObjectStore& store, const history::GenerationPlan& plan,
                                               os::File file, const fs::path& path, const RestoreOptions& options) {
  return GenerationRestore(store, plan, path, options).run(std::move(file));
}

}  // namespace engine
