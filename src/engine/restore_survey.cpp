#include "engine/restore_survey.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/range_fetcher.h"
#include "ltx/provenance.h"

namespace engine {
namespace {

constexpr std::uint64_t kSmallObjectBytes = 64U << 10;  // as quickly read as its index
constexpr std::uint64_t kIndexBytesMax = 4U << 20;      // about 400,000 pages
constexpr std::uint64_t kTailBytesMin = 8U << 10, kTailBytesMax = 256U << 10;
constexpr std::uint64_t kGapBytesMin = 128U << 10;
// Bytes that a page takes at least in a file: header, size, a block of one byte.
constexpr std::uint64_t kPageBytesMin = 11;

// An index takes 8 or 9 bytes a page. Guessed for pages of 2 KiB; a second request gets what is missing.
std::uint64_t tail_guess(std::uint64_t size_bytes) {
  return std::min(size_bytes, std::clamp(size_bytes / 192, kTailBytesMin, kTailBytesMax));
}

std::uint64_t sum_of_sizes(std::span<const history::BackupFile> files) {
  std::uint64_t sum = 0;
  for (const history::BackupFile& file : files) sum += file.size_bytes;
  return sum;
}

class Surveyor {
 public:
  Surveyor(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan, const SurveyOptions& options,
           std::optional<std::size_t>& at_fault)
      : store_(store),
        plan_(plan),
        options_(options),
        at_fault_(at_fault),
        fetcher_(store, [this] { return next_range(); },
                 {.parallel = options.parallel, .waiting_bytes_max = 8U << 20, .context = options.context}) {}

  base::Result<Survey> run() {
    // What is asked for first is the header of the newest object.
    at_fault_ = plan_.size() - 1;
    TRY_ASSIGN(auto head, fetcher_.next());
    note(head.range.length);
    auto header = ltx::decode_header(head.bytes);
    if (!header) return base::fail(header.error().with_context(plan_.back().key.value));
    if (header->commit == 0) {
      at_fault_.reset();
      return base::fail(base::Category::not_found,
                        fmt::format("the database was deleted at TXID {}", base::hex16(header->max_txid.value)));
    }
    TRY(check_newest(*header, plan_));
    result_.newest = *header;
    const auto provenance = ltx::provenance(*header);
    provable_ = provenance && provenance->database_checksum != 0;
    const bool goes_on = options_.have != nullptr && options_.have->pages() == header->commit;
    PageBits planned = goes_on ? *options_.have : PageBits(header->commit);
    for (std::size_t i = plan_.size(); i-- > 0;) {
      at_fault_ = i;
      TRY(decide(i, planned));
    }
    at_fault_.reset();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool wants_index(std::size_t object) const {
    const std::uint64_t size = plan_[object].size_bytes;
    if (options_.everything || size <= kSmallObjectBytes) return false;
    // Its pages spare those of older objects.
    if (object > 0 || options_.have != nullptr) return true;
    // What is newer cannot take so much away from the oldest that reading the rest alone would pay.
    return size < 4 * sum_of_sizes(std::span(plan_).subspan(1));
  }

  std::optional<Range> next_range() {
    const history::BackupFile& newest = plan_.back();
    if (!std::exchange(header_asked_, true)) return Range{newest.key, 0, ltx::kHeaderSize, 0};
    while (next_object_ > 0) {
      const std::size_t object = --next_object_;
      if (!wants_index(object)) continue;
      const history::BackupFile& file = plan_[object];
      const std::uint64_t tail = tail_guess(file.size_bytes);
      return Range{file.key, file.size_bytes - tail, tail, object};
    }
    return std::nullopt;
  }

  void note(std::uint64_t bytes) {
    result_.asked_bytes += bytes;
    ++result_.asked_requests;
  }

  base::Result<> decide(std::size_t object, PageBits& planned) {
    if (!wants_index(object)) return read_whole(object);
    TRY_ASSIGN(auto tail, fetcher_.next());
    note(tail.range.length);
    TRY_ASSIGN(auto index, complete_index(object, std::move(tail.bytes)));
    if (index.entries.empty() && index.needed_tail_bytes > kIndexBytesMax) return read_whole(object);
    std::erase_if(index.entries, [&](const auto& entry) { return !planned.is_missing(entry.page_number); });
    for (const auto& entry : index.entries) planned.set(entry.page_number);
    if (index.entries.empty()) return {};
    if (!provable_) return read_whole(object);
    const std::uint64_t size = plan_[object].size_bytes;
    auto ranges = coalesce(index.entries, std::max(kGapBytesMin, size / 4096), options_.range_bytes_max);
    std::uint64_t bytes = 0;
    for (const ByteRange& range : ranges) bytes += range.length;
    if (bytes >= size / 5 * 3) return read_whole(object);
    result_.bytes += bytes;
    result_.requests += ranges.size();
    result_.reads.push_back({.object = object, .whole = false, .ranges = std::move(ranges)});
    return {};
  }

  base::Result<ltx::PageIndex> complete_index(std::size_t object, base::Bytes tail) {
    const history::BackupFile& file = plan_[object];
    auto index = ltx::parse_page_index(tail, file.size_bytes);
    const std::uint64_t needed = index ? index->needed_tail_bytes : 0;
    if (needed > tail.size() && needed <= kIndexBytesMax) {
      auto longer = storage::get_and_wait(
          store_, {.key = file.key, .offset = file.size_bytes - needed, .length = needed - tail.size()},
          options_.context);
      if (!longer) return base::fail(longer.error().with_context(file.key.value));
      note(longer->size());
      longer->insert(longer->end(), tail.begin(), tail.end());
      index = ltx::parse_page_index(*longer, file.size_bytes);
    }
    if (!index) return base::fail(index.error().with_context(file.key.value));
    return index;
  }

  base::Result<> read_whole(std::size_t object) {
    const std::uint64_t size = plan_[object].size_bytes;
    result_.bytes += size;
    result_.requests += (size + options_.range_bytes_max - 1) / options_.range_bytes_max;
    result_.reads.push_back({.object = object, .whole = true, .ranges = {}});
    return {};
  }

  storage::ObjectStore& store_;
  const std::vector<history::BackupFile>& plan_;
  const SurveyOptions& options_;
  std::optional<std::size_t>& at_fault_;
  bool header_asked_ = false;
  std::size_t next_object_ = plan_.size();
  bool provable_ = false;
  Survey result_;
  RangeFetcher fetcher_;  // last: it asks next_range()
};

}  // namespace

std::vector<ByteRange> coalesce(std::span<const ltx::PageIndexEntry> wanted, std::uint64_t gap_max,
                                std::uint64_t length_max) {
  std::vector<ByteRange> ranges;
  for (const ltx::PageIndexEntry& entry : wanted) {
    if (!ranges.empty()) {
      ByteRange& last = ranges.back();
      const std::uint64_t gap = entry.offset - (last.offset + last.length);
      const std::uint64_t length = entry.offset + entry.size - last.offset;
      if (gap < gap_max && length <= length_max) {
        last.length = length;
        continue;
      }
    }
    ranges.push_back({entry.offset, entry.size});
  }
  return ranges;
}

base::Result<> check_newest(const ltx::Header& header, const std::vector<history::BackupFile>& plan) {
  const history::BackupFile& newest = plan.back();
  if (header.max_txid != newest.name.max || header.min_txid != newest.name.min) {
    return base::fail(base::Category::corrupt,
                      fmt::format("{}: holds TXIDs {} to {}", newest.key.value, base::hex16(header.min_txid.value),
                                  base::hex16(header.max_txid.value)));
  }
  if (header.commit - 1 > sum_of_sizes(plan) / kPageBytesMin) {
    return base::fail(
        base::Category::corrupt,
        fmt::format("{}: a database of {} pages is more than its backup can hold", newest.key.value, header.commit));
  }
  return {};
}

base::Result<Survey> survey(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                            const SurveyOptions& options, std::optional<std::size_t>& at_fault) {
  return Surveyor(store, plan, options, at_fault).run();
}

}  // namespace engine
