#include "engine/log_reader.h"

#include <algorithm>
#include <array>

#include "ltx/checksum.h"
#include "ltx/header.h"

namespace engine {

namespace {

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kKeepBytes = 4 << 20;

// Pages of the transaction being walked join `newest` only at its commit frame.
class CommitCollector {
 public:
  explicit CommitCollector(CommittedFrames& out) : out_(out) {}

  void add(std::uint32_t frame, const wal::FrameHeader& header, base::ByteView page) {
    counter_.add(header, page);
    open_[header.page_number] = frame;
    if (!header.is_commit()) return;
    for (const auto& [number, index] : open_) out_.newest[number] = index;
    open_.clear();
    out_.page_count = header.commit_page_count;
    out_.commits = counter_.commits();
  }

 private:
  CommittedFrames& out_;
  wal::CommitCounter counter_;
  std::unordered_map<std::uint32_t, std::uint32_t> open_;
};

}  // namespace

base::Result<std::optional<LogPosition>> log_start(const os::File& wal) {
  std::array<std::uint8_t, wal::kHeaderBytes> raw{};
  TRY_ASSIGN(const std::size_t got, wal.read_at(0, raw));
  if (got < raw.size()) return std::nullopt;
  const auto header = wal::parse_log_header(raw);
  if (!header) return std::nullopt;
  return LogPosition{header->salts, 0, header->checksum, header->page_size, header->big_endian_checksums};
}

base::Result<CommittedFrames> read_committed(const os::File& wal, const FrameRange& range) {
  CommittedFrames out;
  out.end = range.after;
  const std::uint32_t page_size = range.after.page_size;
  const std::size_t frame_bytes = wal::kFrameHeaderBytes + page_size;
  wal::ChainWalker walker(range.after.salts, range.after.big_endian, page_size, range.after.checksum);
  CommitCollector collector(out);
  const bool bounded = range.to != kToLastValidCommit;
  const bool keep = bounded && std::uint64_t{range.to - range.after.frame} * frame_bytes <= kKeepBytes;
  out.kept_from = range.after.frame + 1;
  base::Bytes buffer(std::max<std::size_t>(kReadBytes / frame_bytes, 1) * frame_bytes);
  std::uint32_t at = range.after.frame;
  while (at < range.to) {
    const std::size_t wanted = std::min<std::size_t>(buffer.size() / frame_bytes, range.to - at);
    const base::MutableByteView chunk(buffer.data(), wanted * frame_bytes);
    TRY_ASSIGN(const std::size_t got, wal.read_at(wal::frame_offset(at + 1, page_size), chunk));
    const std::size_t whole_frames = got / frame_bytes;
    for (std::size_t i = 0; i < whole_frames; ++i) {
      const base::ByteView frame(buffer.data() + i * frame_bytes, frame_bytes);
      auto header = walker.next(frame);
      out.ends_unsummed = false;
      if (!header && range.unsummed_too) {
        header = walker.pass_unsummed(frame);
        out.ends_unsummed = header && header->is_unsummed();
        out.unsummed += header ? 1U : 0U;
      }
      if (!header) {
        out.whole = !bounded;
        return out;
      }
      ++at;
      ++out.frames;
      collector.add(at, *header, frame.subspan(wal::kFrameHeaderBytes));
      if (bounded || header->is_commit()) {
        out.end.frame = at;
        out.end.checksum = walker.checksum();
        out.end.unproven = range.after.unproven || out.unsummed > 0;
      }
    }
    if (keep)
      out.kept.insert(out.kept.end(), buffer.begin(),
                      buffer.begin() + static_cast<std::ptrdiff_t>(whole_frames * frame_bytes));
    if (whole_frames < wanted) {
      out.whole = !bounded;
      return out;
    }
  }
  out.whole = true;
  return out;
}

base::Result<> copy_pages(const os::File& wal, const CommittedFrames& frames, PageSet& into) {
  const std::uint32_t page_size = frames.end.page_size;
  const std::size_t frame_bytes = wal::kFrameHeaderBytes + page_size;
  const std::uint32_t lock_page = ltx::lock_page(page_size);
  base::Bytes page(page_size);
  for (const auto& [number, frame] : frames.newest) {
    if (number == 0 || number > frames.page_count || number == lock_page) continue;
    base::ByteView data;
    if (!frames.kept.empty()) {
      data = base::ByteView(frames.kept)
                 .subspan((frame - frames.kept_from) * frame_bytes + wal::kFrameHeaderBytes, page_size);
    } else {
      const std::uint64_t offset = wal::frame_offset(frame, page_size) + wal::kFrameHeaderBytes;
      TRY_ASSIGN(const std::size_t got, wal.read_at(offset, page));
      if (got != page_size) return base::fail(base::Category::retry_later, "the log became shorter while it was read");
      data = page;
    }
    TRY(into.put(number, data, ltx::page_checksum(number, data)));
  }
  return {};
}

}  // namespace engine
