// Reads one state of a database out of its LTX objects, proven as far as the backup allows: what restores and
// verifications have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/page_assembly.h"
#include "engine/restore_pages.h"
#include "engine/restore_survey.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

// What was read.
struct StateRead {
  base::Txid txid;                // 0: a backup of Litestream 0.3, which knows none
  base::UnixMillis timestamp{0};  // of the newest object
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint64_t downloaded_bytes = 0;
  std::uint64_t resumed_bytes = 0;  // that an interrupted restore had brought before
  std::size_t objects = 0;
  std::uint64_t database_checksum = 0;  // of Litestream 0.3: none
  // The newest object states the database's checksum (ltx/provenance.h), and it is the one above.
  bool checksum_proven = false;
  // What is wrong about objects that were not needed in the end.
  std::vector<std::string> damaged;
};

// Which state the pages are of: objects may change by merging, this does not.
struct StateIdentity {
  base::Txid txid;
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint64_t stated_checksum = 0;  // 0: the objects state none
  base::UnixMillis timestamp{0};
  friend bool operator==(const StateIdentity&, const StateIdentity&) = default;
};

StateIdentity identity_of(const ltx::Header& newest);

// Where pages that were read outlive the process. Called on the reader's thread.
class PageCheckpoints {
 public:
  struct Saved {
    StateIdentity state;
    PageBits have;
    std::uint64_t checksum = 0;  // of the pages that are there
  };
  virtual ~PageCheckpoints() = default;
  // What an earlier run left in the sink, if anything. Asked once, at the beginning.
  virtual std::optional<Saved> load() = 0;
  // Everything that `have` names has been written to the sink.
  virtual base::Result<> save(const StateIdentity& state, const PageBits& have, std::uint64_t checksum) = 0;
  // The sink begins anew: nothing of it counts any more.
  virtual base::Result<> forget() = 0;
};

struct StateReadOptions {
  history::RestoreTarget target;
  unsigned parallel = 16;
  std::uint64_t waiting_bytes_max = 20U << 20;
  bool every_byte = false;  // also what newer objects replace: proves every planned object by its file checksum
  // Where an object is damaged: do without it if others hold the same.
  bool do_without_damaged = true;
  PageCheckpoints* checkpoints = nullptr;
  std::uint64_t checkpoint_bytes = 64U << 20;  // read between two checkpoints
  OnDownloadProgress on_progress;
  storage::CallContext context;
};

class StateReader {
 public:
  // All of them must outlive the reader. `sink` is empty, or what `checkpoints` describes.
  StateReader(storage::ObjectStore& store, std::string_view replica, const StateReadOptions& options,
              DatabaseSink& sink);

  // Reads `plan`, and others for the same state where objects went away or are damaged. Blocks; one thread; once.
  // Errors: those of restore().
  base::Result<StateRead> run(std::vector<history::BackupFile> plan);

  // After run(): what was read in the end.
  [[nodiscard]] const std::vector<history::BackupFile>& plan() const { return plan_; }
  // After a failure: the key of the object that is to blame, if one is.
  [[nodiscard]] std::optional<std::string> object_at_fault() const;

 private:
  base::Result<> read();
  base::Result<Survey> survey_plan();
  base::Result<> assemble_for(const ltx::Header& newest);
  void resume();
  base::Result<> checkpoint(PartEnd end);
  base::Result<> prove(const ltx::Header& newest);
  void describe(const ltx::Header& newest);
  base::Result<> start_over();
  base::Result<> mend(const base::Error& error);
  base::Result<> plan_without_vanished(const base::Error& error);
  base::Result<> plan_without_damaged(const base::Error& error);

  storage::ObjectStore& store_;
  std::string_view replica_;
  const StateReadOptions& options_;
  DatabaseSink& sink_;
  std::vector<history::BackupFile> plan_;
  std::optional<PageAssembly> assembly_;
  StateIdentity assembled_;  // what assembly_ is of
  std::set<std::string> damaged_;
  std::optional<std::size_t> at_fault_;
  bool selective_ = false;  // the last try did not read every byte of every object
  bool every_byte_;         // this one does
  std::uint64_t unsaved_bytes_ = 0;
  StateRead result_;
};

}  // namespace engine
