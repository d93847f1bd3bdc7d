#include "engine/verify.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/random.h"
#include "engine/backup_listing.h"
#include "engine/local_state.h"
#include "engine/misfit.h"
#include "engine/restore_choice.h"
#include "engine/restore_output.h"
#include "history/restore_points.h"
#include "os/file.h"
#include "sqlite/quick_check.h"

namespace engine {
namespace {

using base::Category;
using std::chrono::milliseconds;

class NoSink final : public DatabaseSink {
 public:
  base::Result<> write_at(std::uint64_t /*offset*/, base::ByteView /*bytes*/) override { return {}; }
  base::Result<> set_size(std::uint64_t /*size_bytes*/) override { return {}; }
};

class ScratchSink final : public DatabaseSink {
 public:
  explicit ScratchSink(os::File file) : file_(std::move(file)) {}
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override { return file_.write_at(offset, bytes); }
  base::Result<> set_size(std::uint64_t size_bytes) override { return file_.truncate(size_bytes); }

 private:
  os::File file_;
};

// No verdict can be given on a store that does not answer.
bool is_no_verdict(const base::Error& error) {
  return error.category != Category::corrupt && error.category != Category::not_found;
}

std::string hex(base::Txid txid) {
  return base::hex16(txid.value);
}

class Verification {
 public:
  Verification(storage::ObjectStore& store, std::string_view replica, const VerifyOptions& options)
      : store_(store), replica_(replica), options_(options), started_(base::system_clock().steady_now()) {
    report_.at = base::system_clock().unix_now();
    report_.integrity_check = options.integrity_check;
  }

  base::Result<VerifyReport> run() {
    TRY_ASSIGN(const auto before, record());
    TRY_ASSIGN(const BackupListing listing, list_backup(store_, replica_, options_.context));
    if (listing.empty() && (!before || before->client.txid.value == 0)) {
      return base::fail(Category::not_found, fmt::format("{}/{}: no backup", store_.display_url(), replica_));
    }
    TRY_ASSIGN(const auto after, record());
    if (before && after) compare_listing(*before, *after, listing);
    TRY_ASSIGN(const bool read, read_state());
    if (read) {
      compare_with_record(before);
      TRY(compare_with_source());
    }
    std::ranges::sort(report_.findings, {}, [](const Finding& finding) {
      return std::tuple(-static_cast<int>(finding.verdict), finding.object.empty(), std::string_view(finding.object));
    });
    for (const Finding& finding : report_.findings) report_.verdict = std::max(report_.verdict, finding.verdict);
    report_.duration = std::chrono::duration_cast<milliseconds>(base::system_clock().steady_now() - started_);
    return std::move(report_);
  }

 private:
  base::Result<std::optional<RecordedBackup>> record() const {
    if (!options_.record) return std::nullopt;
    return options_.record();
  }

  void find(BackupVerdict verdict, std::string object, std::string text) {
    report_.findings.push_back({verdict, std::move(object), std::move(text)});
  }

  // What we stored and did not remove has to be there, as long as it was.
  void compare_listing(const RecordedBackup& before, const RecordedBackup& after, const BackupListing& listing) {
    if (!before.objects || !after.objects) return;
    const auto key_of = [this](const history::Object& object) {
      return storage::ltx_key(store_.layout(), replica_, history::name_of(object)).value;
    };
    std::set<std::string> still_recorded;
    for (const history::Object& object : *after.objects) still_recorded.insert(key_of(object));
    std::vector<history::BackupFile> recorded;
    for (const history::Object& object : *before.objects) {
      if (!still_recorded.contains(key_of(object))) continue;  // removed meanwhile
      recorded.push_back(
          {.name = history::name_of(object), .key = base::ObjectKey{key_of(object)}, .size_bytes = object.size_bytes});
    }
    std::set<std::uint64_t> restorable;
    for (const auto& point : history::restore_points(listing.files)) restorable.insert(point.txid.value);
    for (const auto& file : recorded) {
      const auto there = std::ranges::find(listing.files, file.key, &history::BackupFile::key);
      if (there != listing.files.end() && there->size_bytes == file.size_bytes) continue;
      const bool lost = !restorable.contains(file.name.max.value);
      if (there == listing.files.end()) {
        find(
            lost ? BackupVerdict::failure : BackupVerdict::warning, file.key.value,
            fmt::format("is missing: it was stored and nobody here removed it. {}. Find out who deletes in this bucket "
                        "(lifecycle rules, other programs)",
                        lost ? fmt::format("TXID {} cannot be restored any more", hex(file.name.max))
                             : "Other objects hold the same states"));
      } else {
        find(BackupVerdict::failure, file.key.value,
             fmt::format("has {} bytes, but {} were stored: it was truncated or overwritten. Bring back the earlier "
                         "version of this object if the bucket keeps versions",
                         there->size_bytes, file.size_bytes));
      }
    }
  }

  // False: there is no whole newest state; findings say why.
  base::Result<bool> read_state() {
    auto choice = choose_restore(store_, replica_, {}, {}, options_.context);
    if (!choice) {
      if (is_no_verdict(choice.error())) return base::fail(std::move(choice).error());
      find(BackupVerdict::failure, "", "the newest state cannot be restored: " + choice.error().message);
      return false;
    }
    if (choice->generation) return read_generation();
    auto done = read_plan(choice->plan, /*do_without_damaged=*/false);
    if (!done && is_no_verdict(done.error())) return base::fail(std::move(done).error());
    if (done) {
      report_.state = *std::move(done);
      return true;
    }
    return read_damaged(done.error(), choice->plan);
  }

  // A damaged object was met: is the state lost?
  base::Result<bool> read_damaged(const base::Error& error, const std::vector<history::BackupFile>& plan) {
    if (!object_at_fault_) return find_what_does_not_fit(error, plan);
    const std::string key = *object_at_fault_;
    auto without = read_plan(plan, /*do_without_damaged=*/true);
    if (!without && is_no_verdict(without.error())) return base::fail(std::move(without).error());
    if (without && without->txid == plan.back().name.max) {
      find(BackupVerdict::warning, key,
           error.message +
               ". Other objects hold the same, so a restore does without it; remove it once you know the cause");
      report_.state = *std::move(without);
      return true;
    }
    find(BackupVerdict::failure, key,
         error.message +
             ". The newest state cannot be restored. \"points\" lists what can be; bring back the object's earlier "
             "version if the bucket keeps versions, else start this client's backup anew");
    return false;
  }

  // Every file is whole, and yet they are not the history of one database.
  base::Result<bool> find_what_does_not_fit(const base::Error& error, const std::vector<history::BackupFile>& plan) {
    const auto misfit = find_misfit(store_, plan, options_.context);
    if (!misfit && is_no_verdict(misfit.error())) return base::fail(misfit.error());
    if (misfit && *misfit) {
      const std::string& previous = (*misfit)->previous;
      find(BackupVerdict::failure, (*misfit)->key,
           fmt::format("does not fit to the objects before it: this one{} is of another history, such as an older copy "
                       "of it. The newest state cannot be restored. Bring back the right version if the bucket keeps "
                       "versions, else start this client's backup anew",
                       previous.empty() ? "" : fmt::format(", or {},", previous)));
    } else {
      find(BackupVerdict::failure, "", error.message + ". The newest state cannot be restored");
    }
    return false;
  }

  base::Result<StateRead> read_plan(const std::vector<history::BackupFile>& plan, bool do_without_damaged) {
    const StateReadOptions read_options{.target = {},
                                        .parallel = options_.parallel_downloads,
                                        .waiting_bytes_max = options_.waiting_bytes_max,
                                        .every_byte = true,
                                        .do_without_damaged = do_without_damaged,
                                        .on_progress = options_.on_progress,
                                        .context = options_.context};
    NoSink nothing;
    std::optional<ScratchSink> file;
    std::filesystem::path scratch;
    if (options_.integrity_check != IntegrityCheck::none) {
      scratch = options_.scratch_directory / ("litestream-manager-verify-" + base::random_hex(16) + ".db");
      TRY_ASSIGN(os::File created, os::File::create_new(scratch));
      file.emplace(std::move(created));
    }
    StateReader reader(store_, replica_, read_options, file ? static_cast<DatabaseSink&>(*file) : nothing);
    auto read = reader.run(plan);
    object_at_fault_ = read ? std::nullopt : reader.object_at_fault();
    if (!file) return read;
    file.reset();
    if (read) ask_sqlite(scratch, *read);
    TRY(os::remove_file(scratch));
    return read;
  }

  void ask_sqlite(const std::filesystem::path& scratch, const StateRead& read) {
    const bool full = options_.integrity_check == IntegrityCheck::full;
    const auto sound = sqlite::check_database(scratch, full ? sqlite::CheckKind::full : sqlite::CheckKind::quick);
    if (sound || sound.error().category == Category::invalid) return;  // "invalid": a function that we do not have
    if (read.checksum_proven) {
      find(BackupVerdict::failure, "",
           fmt::format("the database itself is damaged, and the backup holds it exactly as it was: {}. Check the live "
                       "file with PRAGMA integrity_check, restore a state from before the damage with -at, and see "
                       "that the application's SQLite is 3.51.3 or newer (older ones can damage a database at a WAL "
                       "reset)",
                       sound.error().message));
    } else {
      find(BackupVerdict::failure, "",
           fmt::format("SQLite finds the restored database damaged: {}. Its objects state no checksum of the original, "
                       "so it is not known where the damage is: check the live file with PRAGMA integrity_check",
                       sound.error().message));
    }
  }

  // Litestream 0.3 knows no checksum of the whole; replaying it takes a file.
  base::Result<bool> read_generation() {
    find(BackupVerdict::warning, "",
         "this is a backup of Litestream 0.3, which can only be verified by restoring it: it carries no TXIDs and no "
         "checksum of the database");
    return false;
  }

  void compare_with_record(const std::optional<RecordedBackup>& before) {
    if (!before || before->client.txid.value == 0) return;
    const base::Txid stored = before->client.txid;
    if (stored > report_.state.txid) {
      find(BackupVerdict::failure, "",
           fmt::format("the bucket ends at TXID {}, but everything up to TXID {} was stored: the newest objects are "
                       "gone, or an older copy of the bucket was put in its place",
                       hex(report_.state.txid), hex(stored)));
      return;
    }
    if (stored < report_.state.txid || before->database_checksum == 0) return;
    if (before->database_checksum == report_.state.database_checksum) return;
    find(
        BackupVerdict::failure, "",
        fmt::format("the objects are whole, but TXID {} has content {} and {} was stored: an object was replaced by "
                    "one of another history. Bring back the earlier version if the bucket keeps versions",
                    hex(stored), base::hex16(report_.state.database_checksum), base::hex16(before->database_checksum)));
  }

  base::Result<> compare_with_source() {
    TRY_ASSIGN(const auto recorded, record());
    if (!recorded || options_.closer == nullptr) {
      report_.source_note = "no daemon's state to find the live database by";
      return {};
    }
    const KnownClient& client = recorded->client;
    if (client.txid != report_.state.txid) {
      report_.source_note = fmt::format("the database went on to TXID {} meanwhile", hex(client.txid));
      return {};
    }
    const auto local = read_local_state(client.path, *options_.closer, options_.context.stop);
    if (!local && local.error().category == Category::cancelled) return base::fail(local.error());
    if (!local) {
      report_.source_note = local.error().message;
      return {};
    }
    if (!*local) {
      report_.source_note = "the database is being written";
      return {};
    }
    TRY_ASSIGN(const auto after, record());
    if (!after || after->client.txid != client.txid) {
      report_.source_note = "the database went on meanwhile";
      return {};
    }
    judge_source(**local, client);
    return {};
  }

  void judge_source(const LocalState& local, const KnownClient& client) {
    if (local.checksum == report_.state.database_checksum && local.pages == report_.state.pages) {
      report_.source = SourceComparison::equal;
      return;
    }
    // What came while the object was on its way is not in it.
    const base::UnixMillis read_at =
        std::min(report_.state.timestamp, client.last_replicated.value_or(base::UnixMillis{0}));
    if (local.changed_at >= read_at) {
      report_.source_note = "the database has changes that are not stored yet";
      if (report_.at - local.changed_at > options_.late_after) {
        find(BackupVerdict::warning, "",
             fmt::format("{} changed at {} and that is not stored yet: is the daemon running, and what does its "
                         "dashboard say of this client?",
                         client.path, base::to_rfc3339(local.changed_at)));
      }
      return;
    }
    report_.source = SourceComparison::differs;
    find(BackupVerdict::failure, "",
         fmt::format("{} is not what was stored, although nothing seems to have changed it since: it holds {}, TXID {} "
                     "holds {}. The backup is whole; check the live file with PRAGMA integrity_check, and restore from "
                     "the backup if its disk has damaged it",
                     client.path, base::hex16(local.checksum), hex(client.txid),
                     base::hex16(report_.state.database_checksum)));
  }

  storage::ObjectStore& store_;
  std::string_view replica_;
  const VerifyOptions& options_;
  base::SteadyTime started_;
  std::optional<std::string> object_at_fault_;
  VerifyReport report_;
};

}  // namespace

std::string_view to_string(BackupVerdict verdict) {
  switch (verdict) {
    case BackupVerdict::ok:
      return "ok";
    case BackupVerdict::warning:
      return "warning";
    case BackupVerdict::failure:
      return "failure";
  }
  return "failure";
}

base::Result<VerifyReport> verify_backup(storage::ObjectStore& store, std::string_view replica,
                                         const VerifyOptions& options) {
  return Verification(store, replica, options).run();
}

}  // namespace engine
