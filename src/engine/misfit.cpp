#include "engine/misfit.h"

#include <algorithm>
#include <cstdint>

#include "engine/range_fetcher.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/provenance.h"

namespace engine {
namespace {

constexpr std::uint32_t kPagesMax = 16U << 20;
constexpr std::uint64_t kRangeBytes = 1U << 20;

// The checksums of all pages, object by object.
class Replay {
 public:
  explicit Replay(storage::ObjectStore& store, const storage::CallContext& context)
      : store_(store), context_(context) {}

  // False: the database is not what the object states.
  base::Result<bool> apply(const history::BackupFile& file) {
    std::uint64_t asked = 0;
    RangeFetcher fetcher(store_,
                         [&]() -> std::optional<Range> {
                           if (asked == file.size_bytes) return std::nullopt;
                           const std::uint64_t length = std::min(kRangeBytes, file.size_bytes - asked);
                           Range range{file.key, asked, length, 0};
                           asked += length;
                           return range;
                         },
                         {.parallel = 8, .context = context_});
    base::Bytes part;
    std::size_t used = 0;
    std::uint64_t left = file.size_bytes;
    ltx::Decoder decoder([&](base::MutableByteView out) -> base::Result<std::size_t> {
      if (used == part.size()) {
        if (left == 0) return 0;
        TRY_ASSIGN(auto fetched, fetcher.next());
        part = std::move(fetched.bytes);
        used = 0;
        left -= part.size();
      }
      const std::size_t count = std::min(out.size(), part.size() - used);
      std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(used), count, out.begin());
      used += count;
      return count;
    });
    TRY_ASSIGN(const ltx::Header header, decoder.read_header());
    if (header.commit > kPagesMax) {
      too_large_ = true;
      return true;
    }
    resize(header.commit);
    while (true) {
      TRY_ASSIGN(const auto page, decoder.next_page());
      if (!page) break;
      replace(page->page_number, ltx::page_checksum(page->page_number, page->data));
    }
    const auto provenance = ltx::provenance(header);
    return !provenance || provenance->database_checksum == 0 || provenance->database_checksum == sum_.value();
  }

  [[nodiscard]] bool too_large() const { return too_large_; }

 private:
  void resize(std::uint32_t pages) {
    for (std::size_t page = pages; page < pages_.size(); ++page) sum_.toggle(pages_[page]);
    pages_.resize(pages);
  }
  void replace(std::uint32_t page, std::uint64_t checksum) {
    std::uint64_t& known = pages_[page - 1];
    sum_.toggle(known);
    sum_.toggle(checksum);
    known = checksum;
  }

  storage::ObjectStore& store_;
  const storage::CallContext& context_;
  std::vector<std::uint64_t> pages_;  // [0] is page 1; 0: none
  ltx::DatabaseChecksum sum_;
  bool too_large_ = false;
};

}  // namespace

base::Result<std::optional<Misfit>> find_misfit(storage::ObjectStore& store,
                                                const std::vector<history::BackupFile>& plan,
                                                const storage::CallContext& context) {
  Replay replay(store, context);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    auto fits = replay.apply(plan[i]);
    if (!fits) return base::fail(fits.error().with_context(plan[i].key.value));
    if (replay.too_large()) return std::nullopt;
    if (!*fits) return Misfit{.key = plan[i].key.value, .previous = i == 0 ? "" : plan[i - 1].key.value};
  }
  return std::nullopt;
}

}  // namespace engine
