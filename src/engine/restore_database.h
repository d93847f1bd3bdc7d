// Turns merged LTX files into a database file, checking that it is whole.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "ltx/header.h"
#include "ltx/merge.h"
#include "storage/object_store.h"

namespace engine {

struct WrittenDatabase {
  ltx::Header header;  // of the merge
  std::uint64_t checksum = 0;
};

// Where the pages go: an empty file. set_size() comes last and fills what was not written (the lock page) with zeros.
class DatabaseSink {
 public:
  virtual ~DatabaseSink() = default;
  virtual base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) = 0;
  virtual base::Result<> set_size(std::uint64_t size_bytes) = 0;
};

// Writes pages 1..commit. corrupt if a page is missing or an input breaks its rules (ask merger.failed_input());
// not_found if the merged state is a deleted database; cancelled; and the sink's errors.
base::Result<WrittenDatabase> write_database(ltx::Merger& merger, DatabaseSink& sink,
                                             const storage::CallContext& context);

}  // namespace engine
