// Reads the objects of a restore plan and puts the database together.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "engine/page_assembly.h"
#include "engine/restore_survey.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

struct DownloadProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::size_t objects_done = 0;
  std::size_t objects_total = 0;
};
using OnDownloadProgress = std::function<void(const DownloadProgress&)>;

enum class PartEnd : std::uint8_t { inside_an_object, end_of_object };
// Called on the calling thread where a part of `bytes` has gone into the assembly; an error ends the reading. An object
// that was read to its end has been proven by its file checksum.
using OnPart = std::function<base::Result<>(PartEnd, std::uint64_t bytes)>;

struct ReadOptions {
  unsigned parallel = 16;
  std::uint64_t range_bytes_max = 1U << 20;
  std::uint64_t waiting_bytes_max = 20U << 20;
  OnDownloadProgress on_progress;  // called on the caller's thread after each answer
  OnPart on_part;
  storage::CallContext context;
};

// Everything that `survey` wants goes into `assembly`. Blocks; memory as the options say, and one page. What was
// taken before a failure stays valid, unless that is corrupt. `at_fault`: as survey() has it.
//   not_found  the object went away after the listing (plan anew)
//   corrupt    the object breaks a rule of its format, or is not the one that its name says
base::Result<> read_pages(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                          const Survey& survey, PageAssembly& assembly, const ReadOptions& options,
                          std::optional<std::size_t>& at_fault);

}  // namespace engine
