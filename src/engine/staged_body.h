// The bytes of an object while it is being made: in memory up to a limit, from there on in a file of the staging
// directory. That file has no name and so vanishes with its last owner, also when the process is killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/decoder.h"
#include "os/file.h"
#include "storage/object_store.h"

namespace engine {

// A file without a name in `directory`. io: it cannot be written.
base::Result<os::File> nameless_file(const std::filesystem::path& directory);

// Append, then finish once. Belongs to one thread.
class BodyWriter {
 public:
  BodyWriter(std::filesystem::path staging_directory, std::uint64_t memory_limit_bytes)
      : directory_(std::move(staging_directory)), memory_limit_(memory_limit_bytes) {}

  // Category::io if the staging directory cannot take it (ENOSPC).
  base::Result<> append(base::ByteView bytes);
  [[nodiscard]] std::uint64_t size_bytes() const { return written_ + buffer_.size(); }
  [[nodiscard]] bool in_memory() const { return !file_.is_open(); }
  base::Result<std::shared_ptr<const storage::Body>> finish();

 private:
  base::Result<> flush();

  std::filesystem::path directory_;
  std::uint64_t memory_limit_;
  base::Bytes buffer_;  // everything, or what the file does not have yet
  os::File file_;
  std::uint64_t written_ = 0;  // to the file
};

// Reads a body from its start; shares it.
ltx::Source source_of(std::shared_ptr<const storage::Body> body);

}  // namespace engine
