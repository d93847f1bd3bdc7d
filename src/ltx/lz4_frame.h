// LZ4 frames of any size, decompressed piece by piece: what Litestream 0.3 stores
// (docs/formats/litestream-v3.md).
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"

namespace ltx {

// One frame. Single thread; memory: a block of the frame (4 MiB as Litestream writes them) twice, and 64 KiB.
class Lz4FrameReader {
 public:
  using Sink = std::function<base::Result<>(base::ByteView)>;

  explicit Lz4FrameReader(Sink sink);
  ~Lz4FrameReader();
  Lz4FrameReader(const Lz4FrameReader&) = delete;
  Lz4FrameReader& operator=(const Lz4FrameReader&) = delete;

  // corrupt if the frame is broken or bytes follow it; and the sink's errors.
  base::Result<> feed(base::ByteView input);
  // corrupt unless the frame has ended, content checksum included.
  [[nodiscard]] base::Result<> finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ltx
