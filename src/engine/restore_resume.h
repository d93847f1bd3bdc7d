// What an interrupted restore leaves for the next one: the unfinished file, and beside it a record of which pages are
// in there. "OUT.restoring" is the record's name for output OUT; it names the unfinished file.
//
//   offset size   all integers big-endian
//     0     8     "LMRESTO1"
//     8     8     TXID
//    16     4     page size
//    20     4     pages
//    24     8     stated database checksum, 0: none
//    32     8     timestamp, ms
//    40     8     checksum of the pages that are there
//    48     4+n   backup: the store's URL and the path in it
//           4+n   name of the unfinished file, in the same directory
//           8*w   bits, one per page: word 0 holds pages 0 to 63, lowest bit first; w = pages / 64 + 1
//           8     CRC-64 of everything before
//
// The record is only believed after every page that it names has been read again and has the checksum that it states.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/restore_output.h"
#include "engine/state_reader.h"
#include "os/file.h"

namespace engine {

struct ResumeRecord {
  StateIdentity state;
  std::uint64_t checksum = 0;
  std::string backup;
  std::string unfinished;  // file name
  PageBits have{0};
};

base::Bytes encode(const ResumeRecord& record);
// nullopt: not one of ours, or damaged.
std::optional<ResumeRecord> decode_resume_record(base::ByteView bytes);

// Owned by one restore, one thread.
class RestoreResume final : public PageCheckpoints {
 public:
  // `backup` names store and replica. `output` outlives this.
  RestoreResume(RestoreOutput& output, std::string backup);

  // The file to restore into: the unfinished one of an interrupted restore of the same backup, else a new one. What an
  // interrupted restore of another backup left here is removed. What another user left is not believed: a new one, and
  // nothing is recorded. conflict: another restore to this output is under way.
  // `for_its_maker_alone`: always a new one, likewise.
  base::Result<> open(bool for_its_maker_alone = false);

  std::optional<Saved> load() override;
  base::Result<> save(const StateIdentity& state, const PageBits& have, std::uint64_t checksum) override;
  base::Result<> forget() override;

  // There is a record, so the unfinished file is worth keeping.
  [[nodiscard]] bool saved() const { return saved_; }
  os::File& file() { return file_; }
  // For a restore that cannot go on from anywhere: an empty file.
  base::Result<> start_afresh();

 private:
  base::Result<std::optional<ResumeRecord>> read_record();
  base::Result<bool> is_as_recorded(const ResumeRecord& record) const;

  RestoreOutput& output_;
  std::string backup_;
  std::filesystem::path record_path_;
  os::File file_;
  std::optional<ResumeRecord> found_;
  bool foreign_record_ = false;  // a file of that name that is not ours: never touched, nothing is recorded
  bool saved_ = false;
};

}  // namespace engine
