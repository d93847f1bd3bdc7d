#include "ltx/lz4_frame.h"

#include <utility>

#include <fmt/format.h>
#include <lz4frame.h>

#include "base/check.h"

namespace ltx {
namespace {

constexpr std::size_t kOutputBytes = 64U << 10;

std::unexpected<base::Error> corrupt(std::string_view what) {
  return base::fail(base::Category::corrupt, fmt::format("LZ4 frame: {}", what));
}

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

}  // namespace

struct Lz4FrameReader::State {
  Sink sink;
  std::unique_ptr<LZ4F_dctx, FreeContext> context;
  base::Bytes output = base::Bytes(kOutputBytes);
  bool ended = false;
};

Lz4FrameReader::Lz4FrameReader(Sink sink) : state_(std::make_unique<State>()) {
  state_->sink = std::move(sink);
  LZ4F_dctx* context = nullptr;
  CHECK(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0);
  state_->context.reset(context);
}

Lz4FrameReader::~Lz4FrameReader() = default;

base::Result<> Lz4FrameReader::feed(base::ByteView input) {
  State& s = *state_;
  while (true) {
    if (s.ended) return input.empty() ? base::Result<>() : corrupt("bytes follow its end");
    std::size_t produced = s.output.size();
    std::size_t consumed = input.size();
    const std::size_t hint =
        LZ4F_decompress(s.context.get(), s.output.data(), &produced, input.data(), &consumed, nullptr);
    if (LZ4F_isError(hint) != 0) return corrupt(LZ4F_getErrorName(hint));
    input = input.subspan(consumed);
    if (produced > 0) TRY(s.sink(base::ByteView(s.output).first(produced)));
    s.ended = hint == 0;
    if (!s.ended && input.empty() && produced < s.output.size()) return {};
  }
}

base::Result<> Lz4FrameReader::finish() const {
  return state_->ended ? base::Result<>() : corrupt("ends before its end mark");
}

}  // namespace ltx
