// Fetches the objects of a restore plan: several ranged GETs at a time, in bounded memory. What does not fit goes to
// one spool file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "history/restore_plan.h"
#include "ltx/decoder.h"
#include "os/file.h"
#include "storage/object_store.h"

namespace engine {

struct DownloadProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::size_t objects_done = 0;
  std::size_t objects_total = 0;
};
using OnDownloadProgress = std::function<void(const DownloadProgress&)>;

struct DownloadOptions {
  std::filesystem::path spool_path;  // created only if needed; the caller removes it
  unsigned parallel = 8;
  std::uint64_t in_memory_bytes_max = 32U << 20;  // objects kept in memory, all together; otherwise all are spooled
  std::uint64_t in_flight_bytes_max = 16U << 20;  // answers under way, all together
  OnDownloadProgress on_progress;                 // called on the caller's thread after each answer
  storage::CallContext context;
};

// The bytes of all planned objects. Move-only; sources read from it and must not outlive it or its move.
class DownloadedFiles {
 public:
  [[nodiscard]] std::size_t size() const { return extents_.size(); }
  [[nodiscard]] ltx::Source source(std::size_t index) const;

 private:
  friend class Download;
  struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  base::Result<> store(std::uint64_t position, base::ByteView bytes);

  std::vector<Extent> extents_;  // all objects one after the other
  base::Bytes memory_;
  std::optional<os::File> spool_;
};

// Blocks. Errors of the store name the key: not_found means that the object went away after the listing (plan anew),
// corrupt that its size differs from the listing; io is the spool file. After an error no request is left under way.
base::Result<DownloadedFiles> download(storage::ObjectStore& store, const std::vector<history::BackupFile>& files,
                                       const DownloadOptions& options);

}  // namespace engine
