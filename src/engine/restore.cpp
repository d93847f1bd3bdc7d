#include "engine/restore.h"

#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/restore_database.h"
#include "history/restore_plan.h"
#include "ltx/merge.h"
#include "ltx/provenance.h"
#include "os/file.h"
#include "sqlite/quick_check.h"
#include "storage/keys.h"

namespace engine {
namespace {

// Compaction and retention may remove planned objects while we fetch them; what they leave has a plan again.
constexpr int kPlansMax = 3;

// From the lowest level up: files only ever move upwards and are removed below after that, so what this order does not
// see on one level it sees on a later one.
base::Result<std::vector<history::BackupFile>> list_backup(storage::ObjectStore& store, std::string_view replica,
                                                           const storage::CallContext& context) {
  std::vector<history::BackupFile> files;
  for (std::uint8_t level = 0; level <= base::kSnapshotLevel.value; ++level) {
    const std::string prefix = storage::level_prefix(store.layout(), replica, base::Level{level});
    TRY_ASSIGN(const auto objects, storage::list_all_and_wait(store, prefix, context));
    for (const storage::ObjectInfo& object : objects) {
      const auto name = storage::parse_ltx_key(store.layout(), replica, object.key.value);
      if (name && name->level.value == level) {
        files.push_back({*name, object.key, object.size_bytes, object.last_modified});
      }
    }
  }
  return files;
}

base::Result<std::vector<history::BackupFile>> plan_latest(storage::ObjectStore& store, std::string_view replica,
                                                           const storage::CallContext& context) {
  TRY_ASSIGN(auto files, list_backup(store, replica, context));
  const auto where = fmt::format("{}/{}", store.display_url(), replica);
  if (files.empty()) return base::fail(base::Category::not_found, "no backup at " + where);
  auto plan = history::plan_restore(std::move(files), {});
  if (!plan) return base::fail(plan.error().with_context(where));
  for (const history::BackupFile& file : *plan) {
    if (file.size_bytes < ltx::kSmallestFileBytes) {
      return base::fail(base::Category::corrupt,
                        fmt::format("{}: {} bytes are no LTX file", file.key.value, file.size_bytes));
    }
  }
  return plan;
}

struct Fetched {
  std::vector<history::BackupFile> plan;
  DownloadedFiles files;
};

base::Result<Fetched> fetch(storage::ObjectStore& store, std::string_view replica, const RestoreOptions& options,
                            const RestoreOutput& output) {
  DownloadOptions download_options;
  download_options.spool_path = output.spool_path();
  download_options.parallel = options.parallel_downloads;
  download_options.in_memory_bytes_max = options.in_memory_bytes_max;
  download_options.on_progress = options.on_progress;
  download_options.context = options.context;
  for (int attempt = 1;; ++attempt) {
    TRY_ASSIGN(auto plan, plan_latest(store, replica, options.context));
    auto files = download(store, plan, download_options);
    if (files) return Fetched{std::move(plan), *std::move(files)};
    const bool vanished = files.error().category == base::Category::not_found;
    if (!vanished || attempt == kPlansMax) return base::fail(std::move(files).error());
    TRY(os::remove_file(output.spool_path()));
  }
}

class FileSink final : public DatabaseSink {
 public:
  explicit FileSink(os::File& file) : file_(file) {}
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override { return file_.write_at(offset, bytes); }
  base::Result<> set_size(std::uint64_t size_bytes) override { return file_.truncate(size_bytes); }

 private:
  os::File& file_;
};

// A name that promises other TXIDs than the file holds would make the plan a guess.
base::Result<> check_range(const ltx::Header& header, const std::vector<history::BackupFile>& plan) {
  if (header.max_txid == plan.back().name.max) return {};
  return base::fail(base::Category::corrupt,
                    fmt::format("{}: holds TXID {}", plan.back().key.value, base::hex16(header.max_txid.value)));
}

base::Result<WrittenDatabase> write_merged(const Fetched& fetched, os::File& file, const RestoreOptions& options) {
  std::vector<ltx::Source> sources;
  sources.reserve(fetched.files.size());
  for (std::size_t i = 0; i < fetched.files.size(); ++i) sources.push_back(fetched.files.source(i));
  ltx::Merger merger(std::move(sources));
  FileSink sink(file);
  auto written = write_database(merger, sink, options.context);
  if (!written) {
    const auto input = merger.failed_input();
    if (!input) return written;
    return base::fail(written.error().with_context(fetched.plan[*input].key.value));
  }
  TRY(check_range(written->header, fetched.plan));
  return written;
}

// True if the newest file states a checksum, and it is right.
base::Result<bool> prove_checksum(const WrittenDatabase& written, const history::BackupFile& newest) {
  const auto provenance = ltx::provenance(written.header);
  if (!provenance || provenance->database_checksum == 0) return false;
  if (provenance->database_checksum == written.checksum) return true;
  return base::fail(base::Category::corrupt,
                    fmt::format("{}: states database checksum {}, but the restored pages have {}", newest.key.value,
                                base::hex16(provenance->database_checksum), base::hex16(written.checksum)));
}

// The result is RestoreReport::integrity_note.
base::Result<std::optional<std::string>> ask_sqlite(const std::filesystem::path& path, IntegrityCheck check) {
  if (check == IntegrityCheck::none) return std::nullopt;
  const auto kind = check == IntegrityCheck::quick ? sqlite::CheckKind::quick : sqlite::CheckKind::full;
  auto sound = sqlite::check_database(path, kind);
  if (sound) return std::nullopt;
  // "Our SQL is wrong" can only mean the file's schema here.
  if (sound.error().category == base::Category::invalid) return std::move(sound).error().message;
  return base::fail(sound.error().with_context("the restored database"));
}

}  // namespace

base::Result<RestoreReport> restore_latest(storage::ObjectStore& store, std::string_view replica,
                                           const RestoreOptions& options) {
  TRY_ASSIGN(RestoreOutput output, RestoreOutput::prepare(options.output, options.on_existing));
  TRY_ASSIGN(const Fetched fetched, fetch(store, replica, options, output));
  TRY_ASSIGN(os::File file, output.create());
  TRY_ASSIGN(const WrittenDatabase written, write_merged(fetched, file, options));

  RestoreReport report;
  TRY_ASSIGN(report.checksum_proven, prove_checksum(written, fetched.plan.back()));
  TRY_ASSIGN(report.integrity_note, ask_sqlite(output.temporary_path(), options.integrity_check));
  report.integrity_check = options.integrity_check;
  TRY_ASSIGN(report.owner_note, output.take_permissions(file));
  TRY(file.sync());
  file.close();
  TRY(output.publish());

  report.txid = written.header.max_txid;
  report.timestamp = written.header.timestamp;
  report.page_size = written.header.page_size;
  report.pages = written.header.commit;
  report.database_checksum = written.checksum;
  report.objects = fetched.plan.size();
  for (const history::BackupFile& object : fetched.plan) report.downloaded_bytes += object.size_bytes;
  return report;
}

}  // namespace engine
