// Which bytes of the planned objects a restore has to read: pages are claimed from the newest object down by the page
// indexes, so that each is fetched once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/page_assembly.h"
#include "history/restore_plan.h"
#include "ltx/decoder.h"
#include "ltx/header.h"
#include "storage/object_store.h"

namespace engine {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// Ranges that cover all `wanted` page frames of an object (ascending), each beginning and ending at a frame's edge.
// What is not wanted is read along where it is shorter than `gap_max`. No range is longer than `length_max`, unless one
// frame alone is.
std::vector<ByteRange> coalesce(std::span<const ltx::PageIndexEntry> wanted, std::uint64_t gap_max,
                                std::uint64_t length_max);

// The header of the object that `plan` ends with: corrupt, with the key, if it is another one, or if what it says about
// the size of the database, which makes us allocate, cannot be.
base::Result<> check_newest(const ltx::Header& header, const std::vector<history::BackupFile>& plan);

struct ObjectRead {
  std::size_t object = 0;  // index into the plan
  // The whole object is read in order and proven by its file checksum; else only `ranges`, which the database checksum
  // proves in the end.
  bool whole = true;
  std::vector<ByteRange> ranges;
};

struct Survey {
  ltx::Header newest;             // header of the object that the plan ends with
  std::vector<ObjectRead> reads;  // newest object first; those that nothing is wanted of are left out
  std::uint64_t bytes = 0;        // that are to be read
  std::uint64_t requests = 0;     // for them
  std::uint64_t asked_bytes = 0;  // read by the survey itself
  std::uint64_t asked_requests = 0;
};

struct SurveyOptions {
  unsigned parallel = 16;
  std::uint64_t range_bytes_max = 1U << 20;
  // Read every planned object from end to end, also where nothing of it is wanted: names the damaged one.
  bool everything = false;
  const PageBits* have = nullptr;  // pages that are there already, of a database of the same size
  storage::CallContext context;
};

// Blocks; one GET of the newest header and one per object above 64 KiB whose pages may be superseded, side by side.
// Without a database checksum in the newest header (Litestream writes none) every object that is needed is read whole.
// Memory: a bit per page, and one index of at most 4 MiB at a time; an object with a longer one is read whole.
//   corrupt, with the key: the header or an index breaks its rules
//   not_found: an object went away, or the newest state is a deleted database
// After a failure for which one object is to blame, `at_fault` is its index.
base::Result<Survey> survey(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                            const SurveyOptions& options, std::optional<std::size_t>& at_fault);

}  // namespace engine
