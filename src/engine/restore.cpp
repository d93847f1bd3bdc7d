#include "engine/restore.h"

#include <utility>

#include <fmt/format.h>

#include "engine/page_assembly.h"
#include "engine/restore_choice.h"
#include "engine/restore_generation.h"
#include "engine/restore_resume.h"
#include "engine/state_reader.h"
#include "os/file.h"
#include "os/permissions.h"
#include "sqlite/quick_check.h"

namespace engine {
namespace {

using base::Category;

class FileSink final : public DatabaseSink {
 public:
  explicit FileSink(os::File& file) : file_(file) {}
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override { return file_.write_at(offset, bytes); }
  base::Result<> set_size(std::uint64_t size_bytes) override { return file_.truncate(size_bytes); }

 private:
  os::File& file_;
};

// The result is RestoreReport::integrity_note.
base::Result<std::optional<std::string>> ask_sqlite(const std::filesystem::path& path, IntegrityCheck check,
                                                    const std::stop_token& stop) {
  if (check == IntegrityCheck::none) return std::nullopt;
  const auto kind = check == IntegrityCheck::quick ? sqlite::CheckKind::quick : sqlite::CheckKind::full;
  auto sound = sqlite::check_database(path, kind, stop);
  if (sound) return std::nullopt;
  // "Our SQL is wrong" can only mean the file's schema here.
  if (sound.error().category == Category::invalid) return std::move(sound).error().message;
  return base::fail(sound.error().with_context("restored pages"));
}

// What the next try can go on from is kept; a backup that is damaged or away gives the next one nothing new.
bool is_interruption(Category category) {
  return category == Category::cancelled || category == Category::io || category == Category::denied ||
         base::is_transient(category);
}

base::Result<RestoreReport> restore_pages(storage::ObjectStore& store, std::string_view replica,
                                          const RestoreOptions& options, RestoreOutput& output, RestoreResume& resume,
                                          std::vector<history::BackupFile> plan) {
  FileSink sink(resume.file());
  const StateReadOptions read_options{.target = options.target,
                                      .parallel = options.parallel_downloads,
                                      .waiting_bytes_max = options.waiting_bytes_max,
                                      .checkpoints = &resume,
                                      .checkpoint_bytes = options.checkpoint_bytes,
                                      .on_progress = options.on_progress,
                                      .context = options.context};
  auto read = StateReader(store, replica, read_options, sink).run(std::move(plan));
  if (!read && resume.saved() && is_interruption(read.error().category)) {
    output.keep_temporary();
    base::Error error = std::move(read).error();
    error.message += fmt::format("; what was read is kept in {}, the same command goes on from there",
                                 output.temporary_path().string());
    return base::fail(std::move(error));
  }
  // From here on it is quicker to begin anew than to find out what can be kept.
  TRY(resume.forget());
  if (!read) return base::fail(std::move(read).error());
  return RestoreReport{*std::move(read), IntegrityCheck::none, std::nullopt, std::nullopt};
}

}  // namespace

base::Result<RestoreReport> restore(storage::ObjectStore& store, std::string_view replica,
                                    const RestoreOptions& options) {
  TRY_ASSIGN(RestoreOutput output, RestoreOutput::prepare(options.output, options.on_existing));
  TRY_ASSIGN(RestoreChoice choice, choose_restore(store, replica, options.target, {}, options.context));
  RestoreResume resume(output, fmt::format("{}/{}", store.display_url(), replica));
  TRY(resume.open(options.for_its_maker_alone));
  RestoreReport report;
  if (choice.generation) {
    TRY(resume.start_afresh());
    TRY_ASSIGN(report, restore_generation(store, *choice.generation, std::move(resume.file()), output.temporary_path(),
                                          options));
    TRY_ASSIGN(resume.file(), os::File::open_read_only(output.temporary_path()));
  } else {
    TRY_ASSIGN(report, restore_pages(store, replica, options, output, resume, std::move(choice.plan)));
  }
  TRY_ASSIGN(report.integrity_note, ask_sqlite(output.temporary_path(), options.integrity_check, options.context.stop));
  report.integrity_check = options.integrity_check;
  if (!options.owner_as.empty()) TRY(os::take_owner_as_root(resume.file(), options.owner_as));
  TRY_ASSIGN(report.owner_note, output.take_permissions(resume.file()));
  TRY(resume.file().sync());
  resume.file().close();
  TRY(output.publish());
  return report;
}

}  // namespace engine
