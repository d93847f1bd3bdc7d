// Makes the state of a database known again: a full image where no page index exists, else a diff against it. Reads the
// database file raw, slice by slice, without lock and without SQLite, while the log tracker goes on taking what is
// committed meanwhile into the same page set (which always wins over what was read from the file). A page that a
// checkpoint tore under our eyes was in the log, so the set has it whole.
//
// The result is one committed state if and only if the tracker's proof held from before the first page to after the
// last one. A pass whose proof is lost is followed by another, which compresses only what differs from what was read
// before: it takes as long as reading and comparing (0.2 s a GB from the page cache), and has to be lucky only for so
// long. The first pass goes to the end of the file in any case.
//
// Where no log is, the file alone must be committed: no transaction with a rollback journal may be under way or have
// died. That is so in WAL mode, too: the switch between the modes is such a transaction, and page 1 says the new mode
// before it is committed.
//
// Owned by one client; one thread at a time. A slice reads 4 MiB at most (about 5 ms).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/database_file.h"
#include "engine/log_tracker.h"
#include "engine/page_set.h"
#include "engine/probe.h"

namespace engine {

enum class BaseProgress : std::uint8_t {
  more,       // call slice() again soon
  wait,       // not possible right now (being written, log being opened); again after `retry_after`
  done,       // the page set holds everything that differs from the index
  overtaken,  // the proof broke: call slice() after a pause, it begins the next pass
  refused,    // `reason` says why this file cannot be captured
};

struct BaseResult {
  BaseProgress progress = BaseProgress::more;
  std::string reason;
  std::chrono::microseconds retry_after{0};
  std::uint32_t commits = 0;
};

class BaseJob {
 public:
  // `known` is the page index of the acknowledged state ([0] is page 1), empty for a full image. REQUIRES: all of them
  // outlive the job; `pages` is empty and nobody else's until the job is done or destroyed.
  BaseJob(std::filesystem::path database, std::vector<std::uint64_t> known, std::uint32_t known_page_size,
          LogTracker& tracker, PageSet& pages, os::FileCloser& closer, const base::Clock& clock, Probe& probe);
  ~BaseJob();
  BaseJob(const BaseJob&) = delete;
  BaseJob& operator=(const BaseJob&) = delete;

  base::Result<BaseResult> slice();

  // After done:
  [[nodiscard]] std::uint32_t page_size() const { return info_.page_size; }
  [[nodiscard]] std::uint32_t page_count() const { return page_count_; }
  [[nodiscard]] bool is_image() const { return known_.empty(); }
  [[nodiscard]] JournalMode mode() const { return info_.mode; }
  // Complete if the file held everything, with stamps that were old before the last look at the log.
  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }

 private:
  base::Result<BaseResult> begin();
  base::Result<> read_slice();
  base::Result<BaseResult> follow_log();
  base::Result<BaseResult> finish();
  base::Result<bool> is_committed();
  BaseResult lose_proof(std::string why);
  BaseResult begin_again(std::string why);
  // A reason if the size that the file or its log claims cannot be.
  std::string update_page_count();
  [[nodiscard]] std::uint64_t known_checksum(std::uint32_t page_number) const;

  std::filesystem::path path_;
  std::vector<std::uint64_t> known_;
  std::uint32_t known_page_size_;
  LogTracker& tracker_;
  PageSet& pages_;
  os::FileCloser& closer_;
  const base::Clock& clock_;
  Probe& probe_;

  os::File file_;
  DatabaseInfo info_;
  os::FileStat before_;
  os::FileStat before_last_look_;
  base::UnixMillis last_look_at_{0};
  std::optional<std::uint32_t> change_counter_;  // at the beginning, if there was no log
  bool log_seen_ = false;
  bool read_once_ = false;    // an earlier pass has read every page
  std::string lost_because_;  // this pass proves nothing any more
  std::uint32_t next_page_ = 1;
  std::uint32_t page_count_ = 0;
  base::Bytes buffer_;
  Fingerprint fingerprint_;
};

}  // namespace engine
