#include "engine/page_map.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/range_fetcher.h"
#include "engine/restore_survey.h"
#include "ltx/decoder.h"

namespace engine {
namespace {

using base::Category;

constexpr std::uint64_t kSmallObjectBytes = 64U << 10;  // as quickly read as its index
constexpr std::uint64_t kRangeBytesMax = 1U << 20;
constexpr std::uint64_t kTailBytesMin = 8U << 10;
constexpr std::uint64_t kFixedTailBytes = 8 + ltx::kTrailerSize;  // index length, trailer: says which file this is
constexpr std::uint64_t kIndexBytesMax = 1U << 30;                // some 100 million pages

class Mapper {
 public:
  Mapper(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan, const PageMapOptions& options,
         std::optional<std::size_t>& at_fault)
      : store_(store),
        plan_(plan),
        options_(options),
        at_fault_(at_fault),
        fetcher_(store, [this] { return next_range(); },
                 {.parallel = options.parallel, .waiting_bytes_max = 16U << 20, .context = options.context}) {}

  base::Result<PageMap> run() {
    at_fault_ = plan_.size() - 1;
    if (!is_small(plan_.size() - 1)) TRY(take_newest_header());
    for (std::size_t i = plan_.size(); i-- > 0;) {
      at_fault_ = i;
      auto taken = is_small(i) ? take_whole(i) : take_index(i);
      if (!taken) return base::fail(named(i, std::move(taken).error()));
    }
    at_fault_.reset();
    TRY(check_complete());
    return std::move(map_);
  }

 private:
  [[nodiscard]] bool is_small(std::size_t object) const { return plan_[object].size_bytes <= kSmallObjectBytes; }

  // What a fetch says names its key already.
  [[nodiscard]] base::Error named(std::size_t object, base::Error error) const {
    const std::string& key = plan_[object].key.value;
    return error.message.starts_with(key) ? std::move(error) : error.with_context(key);
  }

  [[nodiscard]] std::uint64_t first_tail(std::uint64_t size_bytes) const {
    // An index takes 8 to 10 bytes a page.
    if (options_.shelf == nullptr) return std::clamp(size_bytes / 192, kTailBytesMin, kRangeBytesMax);
    return kFixedTailBytes;
  }

  std::optional<Range> next_range() {
    const std::size_t newest = plan_.size() - 1;
    if (!std::exchange(header_asked_, true) && !is_small(newest)) {
      return Range{plan_[newest].key, 0, ltx::kHeaderSize, newest};
    }
    if (next_object_ == 0) return std::nullopt;
    const std::size_t object = --next_object_;
    const history::BackupFile& file = plan_[object];
    if (is_small(object)) return Range{file.key, 0, file.size_bytes, object};
    const std::uint64_t tail = first_tail(file.size_bytes);
    return Range{file.key, file.size_bytes - tail, tail, object};
  }

  base::Result<> take_newest_header() {
    TRY_ASSIGN(const auto head, fetcher_.next());
    auto header = ltx::decode_header(head.bytes);
    if (!header) return base::fail(named(plan_.size() - 1, std::move(header).error()));
    return begin(*header);
  }

  base::Result<> begin(const ltx::Header& newest) {
    if (newest.commit == 0) {
      at_fault_.reset();
      return base::fail(Category::not_found,
                        fmt::format("the database was deleted at TXID {}", base::hex16(newest.max_txid.value)));
    }
    TRY(check_newest(newest, plan_));
    map_.state = identity_of(newest);
    map_.places.resize(newest.commit);
    map_.checksums.resize(plan_.size());
    return {};
  }

  // A page that does not compress is stored as it is, with some bytes around it.
  [[nodiscard]] std::uint64_t frame_bytes_max() const {
    return std::uint64_t{map_.state.page_size} + map_.state.page_size / 128 + 256;
  }

  // Whether nobody newer has the page.
  bool claim(const ltx::PageIndexEntry& entry, std::size_t object) {
    if (entry.page_number > map_.places.size()) return false;
    PagePlace& place = map_.places[entry.page_number - 1];
    if (place.size != 0) return false;
    place = {entry.offset, static_cast<std::uint32_t>(entry.size), static_cast<std::uint32_t>(object)};
    return true;
  }

  base::Result<> take_whole(std::size_t object) {
    TRY_ASSIGN(const auto fetched, fetcher_.next());
    TRY_ASSIGN(const ltx::PageIndex index, ltx::parse_page_index(fetched.bytes, plan_[object].size_bytes));
    ltx::Decoder decoder(ltx::memory_source(fetched.bytes));
    TRY_ASSIGN(const ltx::Header header, decoder.read_header());
    if (object == plan_.size() - 1) TRY(begin(header));
    TRY(check_header(header, plan_[object].name));
    std::vector<std::pair<std::uint32_t, base::Bytes>> pages;
    while (true) {
      TRY_ASSIGN(const auto page, decoder.next_page());
      if (!page) break;
      pages.emplace_back(page->page_number, base::Bytes(page->data.begin(), page->data.end()));
    }
    TRY_ASSIGN(const ltx::Trailer trailer, decoder.finish());
    // Only now is it known to be whole. The decoder has compared the index with the pages.
    map_.checksums[object] = trailer.file_checksum;
    for (std::size_t i = 0; i < index.entries.size() && i < pages.size(); ++i) {
      if (claim(index.entries[i], object) && options_.on_page) options_.on_page(pages[i].first, pages[i].second);
    }
    return {};
  }

  [[nodiscard]] base::Result<> check_header(const ltx::Header& header, const storage::LtxName& name) const {
    if (header.min_txid != name.min || header.max_txid != name.max) {
      return base::fail(Category::corrupt, fmt::format("holds TXIDs {} to {}", base::hex16(header.min_txid.value),
                                                       base::hex16(header.max_txid.value)));
    }
    if (header.page_size != map_.state.page_size) {
      return base::fail(Category::corrupt, fmt::format("has pages of {} bytes, the newest object has {}",
                                                       header.page_size, map_.state.page_size));
    }
    return {};
  }

  base::Result<> take_index(std::size_t object) {
    TRY_ASSIGN(auto tail, fetcher_.next());
    TRY_ASSIGN(const ltx::PageIndex index, complete_index(object, std::move(tail.bytes)));
    map_.checksums[object] = index.trailer.file_checksum;
    for (const ltx::PageIndexEntry& entry : index.entries) {
      if (entry.size > frame_bytes_max()) {
        return base::fail(Category::corrupt, fmt::format("page {} takes {} bytes", entry.page_number, entry.size));
      }
      claim(entry, object);
    }
    return {};
  }

  base::Result<ltx::PageIndex> complete_index(std::size_t object, base::Bytes tail) {
    const std::uint64_t size = plan_[object].size_bytes;
    TRY_ASSIGN(ltx::PageIndex index, ltx::parse_page_index(tail, size));
    if (index.needed_tail_bytes <= tail.size()) return index;
    if (index.needed_tail_bytes > kIndexBytesMax) {
      return base::fail(Category::corrupt, fmt::format("has a page index of {} bytes", index.needed_tail_bytes));
    }
    const std::uint64_t file = index.trailer.file_checksum;
    if (options_.shelf != nullptr) {
      if (const auto known = options_.shelf->index(file)) {
        const auto kept = ltx::parse_page_index(*known, size);
        if (kept && kept->needed_tail_bytes == known->size() && kept->trailer.file_checksum == file) return *kept;
      }
    }
    TRY_ASSIGN(base::Bytes whole, fetch_tail(object, index.needed_tail_bytes, tail));
    TRY_ASSIGN(index, ltx::parse_page_index(whole, size));
    if (options_.shelf != nullptr) options_.shelf->keep_index(file, whole);
    return index;
  }

  // The last `needed` bytes, of which `have` are there.
  base::Result<base::Bytes> fetch_tail(std::size_t object, std::uint64_t needed, const base::Bytes& have) {
    const history::BackupFile& file = plan_[object];
    std::uint64_t at = file.size_bytes - needed;
    const std::uint64_t end = file.size_bytes - have.size();
    std::size_t parts = static_cast<std::size_t>((end - at + kRangeBytesMax - 1) / kRangeBytesMax);
    RangeFetcher fetcher(store_,
                         [&]() -> std::optional<Range> {
                           if (at == end) return std::nullopt;
                           const std::uint64_t length = std::min(kRangeBytesMax, end - at);
                           return Range{file.key, std::exchange(at, at + length), length, object};
                         },
                         {.parallel = options_.parallel, .waiting_bytes_max = 16U << 20, .context = options_.context});
    base::Bytes whole;
    whole.reserve(static_cast<std::size_t>(needed));
    for (; parts > 0; --parts) {
      TRY_ASSIGN(const auto part, fetcher.next());
      whole.insert(whole.end(), part.bytes.begin(), part.bytes.end());
    }
    whole.insert(whole.end(), have.begin(), have.end());
    return whole;
  }

  [[nodiscard]] base::Result<> check_complete() const {
    const std::uint32_t lock = ltx::lock_page(map_.state.page_size);
    for (std::uint32_t page = 1; page <= map_.state.pages; ++page) {
      if (map_.of(page).size == 0 && page != lock) {
        return base::fail(Category::corrupt, fmt::format("page {} of TXID {} is in no object of the backup", page,
                                                         base::hex16(map_.state.txid.value)));
      }
    }
    return {};
  }

  storage::ObjectStore& store_;
  const std::vector<history::BackupFile>& plan_;
  const PageMapOptions& options_;
  std::optional<std::size_t>& at_fault_;
  bool header_asked_ = false;
  std::size_t next_object_ = plan_.size();
  PageMap map_;
  RangeFetcher fetcher_;  // last: it asks next_range()
};

}  // namespace

base::Result<PageMap> map_pages(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                                const PageMapOptions& options, std::optional<std::size_t>& at_fault) {
  return Mapper(store, plan, options, at_fault).run();
}

}  // namespace engine
