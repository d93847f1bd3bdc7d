// A database file that no file system has: what a ReadSession reads in place of one.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace sqlite {

class RemoteFile {
 public:
  virtual ~RemoteFile() = default;
  // Must not change while a session is open, and neither must the content.
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // Fills `out` from `offset`, all of it inside the file: the file's head, or parts of one or more pages. Called on the
  // session's thread; may block. An error ends the statement that wanted the bytes and is what that one returns.
  virtual base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) = 0;
};

}  // namespace sqlite
