#include "engine/restore.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/page_assembly.h"
#include "engine/restore_choice.h"
#include "engine/restore_generation.h"
#include "engine/restore_survey.h"
#include "ltx/provenance.h"
#include "os/file.h"
#include "sqlite/quick_check.h"

namespace engine {
namespace {

using base::Category;

// Compaction and retention may remove planned objects while we fetch them; what they leave has a plan again.
constexpr int kPlansMax = 5;
constexpr std::uint64_t kRangeBytesMax = 1U << 20;

class FileSink final : public DatabaseSink {
 public:
  explicit FileSink(os::File& file) : file_(file) {}
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override { return file_.write_at(offset, bytes); }
  base::Result<> set_size(std::uint64_t size_bytes) override { return file_.truncate(size_bytes); }

 private:
  os::File& file_;
};

// From LTX objects to a file that holds the pages of one state, proven as far as the backup allows.
class PageRestore {
 public:
  PageRestore(storage::ObjectStore& store, std::string_view replica, const RestoreOptions& options, os::File& file)
      : store_(store), replica_(replica), options_(options), file_(file), sink_(file) {}

  base::Result<RestoreReport> run(std::vector<history::BackupFile> plan) {
    plan_ = std::move(plan);
    for (int plans = 1;; ++plans) {
      at_fault_.reset();
      auto done = read();
      if (done) break;
      if (plans == kPlansMax) return base::fail(std::move(done).error());
      TRY(mend(done.error()));
    }
    return std::move(report_);
  }

 private:
  base::Result<> read() {
    SurveyOptions survey_options{.parallel = options_.parallel_downloads,
                                 .range_bytes_max = kRangeBytesMax,
                                 .everything = everything_,
                                 .have = assembly_ ? &assembly_->have() : nullptr,
                                 .context = options_.context};
    TRY_ASSIGN(const Survey found, survey(store_, plan_, survey_options, at_fault_));
    selective_ = found.reads.size() < plan_.size() ||
                 std::ranges::any_of(found.reads, [](const ObjectRead& read) { return !read.whole; });
    if (!assembly_ || assembly_->page_size() != found.newest.page_size ||
        assembly_->have().pages() != found.newest.commit) {
      TRY(start_over());
      assembly_.emplace(sink_, found.newest.page_size, found.newest.commit);
    }
    const ReadOptions read_options{.parallel = options_.parallel_downloads,
                                   .range_bytes_max = kRangeBytesMax,
                                   .on_progress = options_.on_progress,
                                   .context = options_.context};
    report_.downloaded_bytes += found.asked_bytes + found.bytes;
    TRY(read_pages(store_, plan_, found, *assembly_, read_options, at_fault_));
    TRY(assembly_->finish());
    TRY(prove(found.newest));
    describe(found.newest);
    return {};
  }

  base::Result<> prove(const ltx::Header& newest) {
    const auto provenance = ltx::provenance(newest);
    if (!provenance || provenance->database_checksum == 0) return {};
    report_.checksum_proven = provenance->database_checksum == assembly_->checksum();
    if (report_.checksum_proven) return {};
    return base::fail(Category::corrupt, fmt::format("{}: states database checksum {}, but the restored pages have {}",
                                                     plan_.back().key.value, base::hex16(provenance->database_checksum),
                                                     base::hex16(assembly_->checksum())));
  }

  void describe(const ltx::Header& newest) {
    report_.txid = newest.max_txid;
    report_.timestamp = newest.timestamp;
    report_.page_size = newest.page_size;
    report_.pages = newest.commit;
    report_.database_checksum = assembly_->checksum();
    report_.objects = plan_.size();
  }

  base::Result<> start_over() {
    assembly_.reset();
    return file_.truncate(0);
  }

  // Makes the plan for another try, or returns why there is none.
  base::Result<> mend(const base::Error& error) {
    if (at_fault_ && error.category == Category::not_found) return plan_without_vanished(error);
    if (error.category != Category::corrupt) return base::fail(error);
    TRY(start_over());
    if (at_fault_) return plan_without_damaged(error);
    // The pages do not fit together, and not every byte was seen: the file checksums tell which object is to blame.
    if (!selective_ || everything_) return base::fail(error);
    everything_ = true;
    return {};
  }

  // Pages that are there keep their value as long as the state is the same, whichever objects it is made of.
  base::Result<> plan_without_vanished(const base::Error& error) {
    auto again =
        choose_restore(store_, replica_, {.txid = plan_.back().name.max, .before = {}}, damaged_, options_.context);
    if (!again && again.error().category == Category::not_found && !options_.target.txid) {
      again = choose_restore(store_, replica_, options_.target, damaged_, options_.context);
      TRY(start_over());
    }
    if (!again) return again.error().category == Category::not_found ? base::fail(error) : base::fail(again.error());
    if (again->generation) return base::fail(error);
    plan_ = std::move(again->plan);
    return {};
  }

  base::Result<> plan_without_damaged(const base::Error& error) {
    damaged_.insert(plan_[*at_fault_].key.value);
    report_.damaged.push_back(error.message);
    auto again =
        choose_restore(store_, replica_, {.txid = plan_.back().name.max, .before = {}}, damaged_, options_.context);
    if (!again) {
      return base::fail(Category::corrupt,
                        fmt::format("{}. Without this object: {}", error.message, again.error().message));
    }
    plan_ = std::move(again->plan);
    return {};
  }

  storage::ObjectStore& store_;
  std::string_view replica_;
  const RestoreOptions& options_;
  os::File& file_;
  FileSink sink_;
  std::vector<history::BackupFile> plan_;
  std::optional<PageAssembly> assembly_;
  std::set<std::string> damaged_;
  std::optional<std::size_t> at_fault_;
  bool selective_ = false;   // the last try did not read every byte of every object
  bool everything_ = false;  // this one does
  RestoreReport report_;
};

// The result is RestoreReport::integrity_note.
base::Result<std::optional<std::string>> ask_sqlite(const std::filesystem::path& path, IntegrityCheck check) {
  if (check == IntegrityCheck::none) return std::nullopt;
  const auto kind = check == IntegrityCheck::quick ? sqlite::CheckKind::quick : sqlite::CheckKind::full;
  auto sound = sqlite::check_database(path, kind);
  if (sound) return std::nullopt;
  // "Our SQL is wrong" can only mean the file's schema here.
  if (sound.error().category == Category::invalid) return std::move(sound).error().message;
  return base::fail(sound.error().with_context("restored pages"));
}

}  // namespace

base::Result<RestoreReport> restore(storage::ObjectStore& store, std::string_view replica,
                                    const RestoreOptions& options) {
  TRY_ASSIGN(RestoreOutput output, RestoreOutput::prepare(options.output, options.on_existing));
  TRY_ASSIGN(RestoreChoice choice, choose_restore(store, replica, options.target, {}, options.context));
  TRY_ASSIGN(os::File file, output.create());
  RestoreReport report;
  if (choice.generation) {
    TRY_ASSIGN(report,
               restore_generation(store, *choice.generation, std::move(file), output.temporary_path(), options));
    TRY_ASSIGN(file, os::File::open_read_only(output.temporary_path()));
  } else {
    TRY_ASSIGN(report, PageRestore(store, replica, options, file).run(std::move(choice.plan)));
  }
  TRY_ASSIGN(report.integrity_note, ask_sqlite(output.temporary_path(), options.integrity_check));
  report.integrity_check = options.integrity_check;
  TRY_ASSIGN(report.owner_note, output.take_permissions(file));
  TRY(file.sync());
  file.close();
  TRY(output.publish());
  return report;
}

}  // namespace engine
