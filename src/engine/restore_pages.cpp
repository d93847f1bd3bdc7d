#include "engine/restore_pages.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/range_fetcher.h"
#include "ltx/decoder.h"

namespace engine {
namespace {

class PageReader {
 public:
  PageReader(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan, const Survey& survey,
             PageAssembly& assembly, const ReadOptions& options)
      : plan_(plan),
        survey_(survey),
        assembly_(assembly),
        options_(options),
        fetcher_(store, [this] { return next_range(); },
                 {.parallel = options.parallel,
                  .waiting_bytes_max = options.waiting_bytes_max,
                  .context = options.context}) {
    progress_ = {.bytes_total = survey.bytes, .objects_total = survey.reads.size()};
  }

  base::Result<> run(std::optional<std::size_t>& at_fault) {
    for (const ObjectRead& read : survey_.reads) {
      at_fault = read.object;
      const auto done = read.whole ? read_whole(read) : read_ranges(read);
      if (!done) return name_object(read.object, done.error());
      ++progress_.objects_done;
      report();
    }
    at_fault.reset();
    return {};
  }

 private:
  // What a fetch says names its key already.
  [[nodiscard]] std::unexpected<base::Error> name_object(std::size_t object, const base::Error& error) const {
    const std::string& key = plan_[object].key.value;
    return base::fail(error.message.starts_with(key) ? error : error.with_context(key));
  }

  std::optional<Range> next_range() {
    while (asked_read_ < survey_.reads.size()) {
      const ObjectRead& read = survey_.reads[asked_read_];
      const history::BackupFile& file = plan_[read.object];
      if (read.whole && asked_offset_ < file.size_bytes) {
        const std::uint64_t length = std::min(options_.range_bytes_max, file.size_bytes - asked_offset_);
        return Range{file.key, std::exchange(asked_offset_, asked_offset_ + length), length, read.object};
      }
      if (!read.whole && asked_range_ < read.ranges.size()) {
        const ByteRange& range = read.ranges[asked_range_++];
        return Range{file.key, range.offset, range.length, read.object};
      }
      ++asked_read_;
      asked_offset_ = 0;
      asked_range_ = 0;
    }
    return std::nullopt;
  }

  base::Result<base::Bytes> next_bytes() {
    TRY_ASSIGN(auto fetched, fetcher_.next());
    progress_.bytes_done += fetched.range.length;
    report();
    return std::move(fetched.bytes);
  }
  void report() const {
    if (options_.on_progress) options_.on_progress(progress_);
  }

  [[nodiscard]] base::Result<> end_part(PartEnd end, std::uint64_t bytes) const {
    return options_.on_part ? options_.on_part(end, bytes) : base::Result<>{};
  }

  base::Result<> read_whole(const ObjectRead& read) {
    std::uint64_t left = plan_[read.object].size_bytes;
    std::uint64_t came = 0;
    base::Bytes part;
    std::size_t used = 0;
    ltx::Decoder decoder([&](base::MutableByteView out) -> base::Result<std::size_t> {
      if (used == part.size()) {
        if (left == 0) return 0;
        TRY_ASSIGN(part, next_bytes());
        used = 0;
        left -= part.size();
        came += part.size();
      }
      const std::size_t count = std::min(out.size(), part.size() - used);
      std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(used), count, out.begin());
      used += count;
      return count;
    });
    TRY_ASSIGN(const ltx::Header header, decoder.read_header());
    TRY(check_header(header, plan_[read.object].name));
    while (true) {
      TRY_ASSIGN(const auto page, decoder.next_page());
      if (!page) break;
      TRY(assembly_.take(page->page_number, page->data));
      if (came != 0) TRY(end_part(PartEnd::inside_an_object, std::exchange(came, 0)));
    }
    TRY(decoder.finish());
    return end_part(PartEnd::end_of_object, came);
  }

  // A name that promises something else than the file holds would make the plan a guess.
  [[nodiscard]] base::Result<> check_header(const ltx::Header& header, const storage::LtxName& name) const {
    if (header.min_txid != name.min || header.max_txid != name.max) {
      return base::fail(base::Category::corrupt, fmt::format("holds TXIDs {} to {}", base::hex16(header.min_txid.value),
                                                             base::hex16(header.max_txid.value)));
    }
    if (header.page_size != assembly_.page_size()) {
      return base::fail(base::Category::corrupt, fmt::format("has pages of {} bytes, the newest object has {}",
                                                             header.page_size, assembly_.page_size()));
    }
    return {};
  }

  base::Result<> read_ranges(const ObjectRead& read) {
    base::Bytes page(assembly_.page_size());
    for (std::size_t i = 0; i < read.ranges.size(); ++i) {
      TRY_ASSIGN(const base::Bytes bytes, next_bytes());
      base::ByteView rest = bytes;
      while (!rest.empty()) {
        TRY_ASSIGN(const auto frame, ltx::decode_leading_page_frame(rest, page));
        TRY(assembly_.take(frame.page_number, page));
        rest = rest.subspan(frame.size);
      }
      TRY(end_part(PartEnd::inside_an_object, bytes.size()));
    }
    return {};
  }

  const std::vector<history::BackupFile>& plan_;
  const Survey& survey_;
  PageAssembly& assembly_;
  const ReadOptions& options_;
  DownloadProgress progress_;
  std::size_t asked_read_ = 0;
  std::uint64_t asked_offset_ = 0;
  std::size_t asked_range_ = 0;
  RangeFetcher fetcher_;  // last: it asks next_range()
};

}  // namespace

base::Result<> read_pages(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                          const Survey& survey, PageAssembly& assembly, const ReadOptions& options,
                          std::optional<std::size_t>& at_fault) {
  return PageReader(store, plan, survey, assembly, options).run(at_fault);
}

}  // namespace engine
