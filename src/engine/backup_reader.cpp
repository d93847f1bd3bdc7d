#include "engine/backup_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "engine/range_fetcher.h"
#include "engine/restore_choice.h"
#include "ltx/decoder.h"

namespace engine {
namespace {

using base::Category;

constexpr int kPlansMax = 5;
constexpr std::uint64_t kGapBytesMax = 32U << 10;
constexpr std::uint64_t kRangeBytesMax = 1U << 20;
constexpr std::uint64_t kSiblingsMax = 128;  // eight rounds of 16 requests
constexpr std::uint64_t kWaitingBytesMax = 20U << 20;

// The same pages, as far as headers tell: a merged object may bear another time, and Litestream's state no checksum.
bool same_state(const StateIdentity& a, const StateIdentity& b) {
  const bool checksums_differ =
      a.stated_checksum != b.stated_checksum && a.stated_checksum != 0 && b.stated_checksum != 0;
  return a.txid == b.txid && a.page_size == b.page_size && a.pages == b.pages && !checksums_differ;
}

}  // namespace

// What is fetched of one object.
struct BackupReader::ObjectRanges {
  std::size_t object = 0;
  std::vector<ltx::PageIndexEntry> pages;
  std::vector<ByteRange> ranges;
};

BackupReader::BackupReader(storage::ObjectStore& store, std::string_view replica, BackupReadOptions options)
    : store_(store), replica_(replica), options_(std::move(options)), cache_(options_.cache_bytes) {}

base::Result<std::unique_ptr<BackupReader>> BackupReader::open(storage::ObjectStore& store, std::string_view replica,
                                                               const BackupReadOptions& options) {
  std::unique_ptr<BackupReader> reader(new BackupReader(store, replica, options));
  TRY(reader->choose(options.target));
  for (int plans = 1;; ++plans) {
    auto mapped = reader->map();
    if (mapped) break;
    if (plans == kPlansMax) return base::fail(std::move(mapped).error());
    TRY(reader->plan_again(mapped.error()));
  }
  const StateIdentity& state = reader->state();
  // A window must not push out of the cache what it brings.
  reader->read_ahead_.emplace(state.page_size, state.pages, options.cache_bytes / 4);
  reader->sibling_ahead_.emplace(
      state.page_size, state.pages,
      static_cast<std::uint32_t>(std::min<std::uint64_t>(kSiblingsMax, options.cache_bytes / 4 / state.page_size)));
  reader->fetched_.emplace(state.pages);
  reader->lock_page_.resize(state.page_size);
  return reader;
}

base::Result<> BackupReader::choose(const history::RestoreTarget& target) {
  TRY_ASSIGN(RestoreChoice choice, choose_restore(store_, replica_, target, without_, options_.context));
  if (choice.generation) {
    return base::fail(Category::unsupported,
                      fmt::format("{}/{}: a backup of Litestream 0.3 has no index of its pages; restore it",
                                  store_.display_url(), replica_));
  }
  next_plan_ = std::move(choice.plan);
  txid_ = next_plan_.back().name.max;
  return {};
}

base::Result<> BackupReader::map() {
  ++counts_.plans;
  at_fault_.reset();
  const bool first = map_.state.pages == 0;
  // What comes along belongs to a state that is not known to be the right one yet, and may never be read.
  PageCache along(first ? options_.cache_bytes : options_.cache_bytes / 4);
  const PageMapOptions options{
      .parallel = options_.parallel,
      .shelf = options_.shelf,
      .on_page = [&along](std::uint32_t number,
                          base::ByteView data) { along.put(number, base::Bytes(data.begin(), data.end())); },
      .context = options_.context};
  std::optional<std::size_t> at_fault;
  auto mapped = map_pages(store_, next_plan_, options, at_fault);
  if (!mapped) {
    if (at_fault) at_fault_ = next_plan_[*at_fault].key.value;
    return base::fail(std::move(mapped).error());
  }
  // The pages that are in use are of that state and no other, whichever objects hold it by now.
  if (!first && !same_state(map_.state, mapped->state)) {
    return base::fail(Category::conflict,
                      fmt::format("{}/{}: TXID {} is not what it was a moment ago: another writer replaced the backup",
                                  store_.display_url(), replica_, base::hex16(mapped->state.txid.value)));
  }
  // Together: places are places in objects of this plan.
  map_ = *std::move(mapped);
  plan_ = std::move(next_plan_);
  cache_.take(std::move(along));
  return {};
}

// Makes a plan for the same state without what went away or is damaged, or returns why there is none.
base::Result<> BackupReader::plan_again(const base::Error& error) {
  if (!at_fault_ || (error.category != Category::not_found && error.category != Category::corrupt)) {
    return base::fail(error);
  }
  if (error.category == Category::corrupt) {
    without_.insert(*at_fault_);
    damage_.push_back(error.message);
  }
  // Nothing was read yet: what was asked for may have moved on with the bucket.
  const bool nothing_read = map_.state.pages == 0;
  auto again = choose({.txid = txid_, .before = {}});
  if (!again && nothing_read && !options_.target.txid && again.error().category == Category::not_found &&
      error.category == Category::not_found) {
    again = choose(options_.target);
  }
  if (again) return {};
  if (again.error().category != Category::not_found) return again;
  if (error.category == Category::not_found) {
    return base::fail(Category::not_found,
                      fmt::format("{}; the state was removed from the bucket while it was read: {}", error.message,
                                  again.error().message));
  }
  return base::fail(Category::corrupt,
                    fmt::format("{}. Without this object: {}", error.message, again.error().message));
}

std::uint64_t BackupReader::size_bytes() const {
  return std::uint64_t{map_.state.page_size} * map_.state.pages;
}

base::Result<> BackupReader::read_at(std::uint64_t offset, base::MutableByteView out) {
  const std::uint64_t page_size = map_.state.page_size;
  if (offset > size_bytes() || out.size() > size_bytes() - offset) {
    return base::fail(Category::invalid, "a read behind the end of the database");
  }
  while (!out.empty()) {
    const std::uint64_t within = offset % page_size;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), page_size - within));
    TRY_ASSIGN(const base::ByteView data, page(static_cast<std::uint32_t>(offset / page_size) + 1));
    std::ranges::copy(data.subspan(static_cast<std::size_t>(within), length), out.begin());
    out = out.subspan(length);
    offset += length;
  }
  return {};
}

base::Result<base::ByteView> BackupReader::page(std::uint32_t number) {
  ++counts_.pages_read;
  if (number == ltx::lock_page(map_.state.page_size)) return lock_page_;
  if (const auto* there = cache_.find(number)) {
    ++counts_.from_memory;
    sibling_ahead_->saw(number, *there);
    return *there;
  }
  if (take_from_shelf(number)) {
    ++counts_.from_shelf;
  } else {
    for (int plans = 1; !cache_.contains(number); ++plans) {
      at_fault_.reset();
      auto done = fetch(number);
      if (done) break;
      if (plans == kPlansMax) return base::fail(std::move(done).error());
      TRY(plan_again(done.error()));
      for (auto mapped = map(); !mapped; mapped = map()) {
        if (++plans >= kPlansMax) return base::fail(std::move(mapped).error());
        TRY(plan_again(mapped.error()));
      }
    }
  }
  const base::ByteView data = *cache_.find(number);
  sibling_ahead_->saw(number, data);
  return data;
}

bool BackupReader::take_from_shelf(std::uint32_t number) {
  if (options_.shelf == nullptr) return false;
  const PagePlace& place = map_.of(number);
  const auto frame = options_.shelf->frame(map_.checksums[place.object], number);
  if (!frame || frame->size() != place.size) return false;
  base::Bytes data(map_.state.page_size);
  if (!ltx::decode_page_frame(*frame, number, data)) return false;
  cache_.put(number, std::move(data));
  return true;
}

base::Result<> BackupReader::fetch(std::uint32_t number) {
  ++counts_.fetches;
  const PageWindow window = read_ahead_->window(number, cache_.brought(), cache_.used());
  std::vector<std::uint32_t> pages = sibling_ahead_->after(number);
  const bool jump = !window.going_on && pages.empty();
  if (window.going_on || jump) {
    pages.resize(window.last - window.first + 1);
    std::iota(pages.begin(), pages.end(), window.first);
  } else {
    pages.push_back(number);
    std::ranges::sort(pages);
  }
  TRY(fetch_ranges(ranges_around(number, pages, jump)));
  if (!cache_.contains(number)) {
    return base::fail(Category::corrupt, fmt::format("page {} did not come with its range", number));
  }
  return {};
}

// `pages` ascend. Where a query jumps, only what stands beside `number` in the same object is worth its bytes.
std::vector<BackupReader::ObjectRanges> BackupReader::ranges_around(std::uint32_t number,
                                                                    const std::vector<std::uint32_t>& pages,
                                                                    bool only_beside) const {
  std::vector<ObjectRanges> objects;
  for (const std::uint32_t page : pages) {
    const PagePlace& place = map_.of(page);
    if (place.size == 0 || (cache_.contains(page) && page != number)) continue;
    if (only_beside && place.object != map_.of(number).object) continue;
    auto found = std::ranges::find(objects, place.object, &ObjectRanges::object);
    if (found == objects.end()) {
      objects.push_back({.object = place.object, .pages = {}, .ranges = {}});
      found = objects.end() - 1;
    }
    if (!found->pages.empty() && found->pages.back().page_number == page) continue;
    found->pages.push_back({page, place.offset, place.size});
  }
  const std::uint64_t offset = map_.of(number).offset;
  for (ObjectRanges& object : objects) {
    object.ranges = coalesce(object.pages, kGapBytesMax, kRangeBytesMax);
    if (!only_beside) continue;
    std::erase_if(object.ranges, [&](const ByteRange& range) {
      return offset < range.offset || offset >= range.offset + range.length;
    });
  }
  // The one that is waited for comes first.
  std::ranges::partition(objects, [&](const auto& object) { return object.object == map_.of(number).object; });
  return objects;
}

base::Result<> BackupReader::fetch_ranges(const std::vector<ObjectRanges>& wanted) {
  std::size_t object = 0;
  std::size_t range = 0;
  std::size_t count = 0;
  for (const ObjectRanges& each : wanted) count += each.ranges.size();
  RangeFetcher fetcher(
      store_,
      [&]() -> std::optional<Range> {
        while (object < wanted.size() && range == wanted[object].ranges.size()) {
          ++object;
          range = 0;
        }
        if (object == wanted.size()) return std::nullopt;
        const ByteRange& next = wanted[object].ranges[range++];
        return Range{plan_[wanted[object].object].key, next.offset, next.length, object};
      },
      {.parallel = options_.parallel, .waiting_bytes_max = kWaitingBytesMax, .context = options_.context});
  for (; count > 0; --count) {
    // The fetcher hands out in the order in which it asked.
    auto fetched = fetcher.next();
    if (!fetched) {
      // Its message names the object; which one that is says who is to be done without.
      for (const ObjectRanges& each : wanted) {
        if (fetched.error().message.starts_with(plan_[each.object].key.value)) at_fault_ = plan_[each.object].key.value;
      }
      return base::fail(std::move(fetched).error());
    }
    const ObjectRanges& from = wanted[fetched->range.tag];
    auto taken = take_frames(from, {fetched->range.offset, fetched->range.length}, fetched->bytes);
    if (!taken) {
      at_fault_ = plan_[from.object].key.value;
      return base::fail(taken.error().with_context(plan_[from.object].key.value));
    }
  }
  return {};
}

base::Result<> BackupReader::take_frames(const ObjectRanges& object, const ByteRange& range, base::ByteView bytes) {
  std::vector<ShelvedFrame> shelved;
  auto entry = std::ranges::lower_bound(object.pages, range.offset, {}, &ltx::PageIndexEntry::offset);
  for (; entry != object.pages.end() && entry->offset < range.offset + range.length; ++entry) {
    const base::ByteView frame =
        bytes.subspan(static_cast<std::size_t>(entry->offset - range.offset), static_cast<std::size_t>(entry->size));
    base::Bytes data(map_.state.page_size);
    TRY(ltx::decode_page_frame(frame, entry->page_number, data));
    cache_.put(entry->page_number, std::move(data));
    ++counts_.pages_fetched;
    if (!fetched_->is_missing(entry->page_number)) ++counts_.fetched_again;
    fetched_->set(entry->page_number);
    shelved.push_back({map_.checksums[object.object], entry->page_number, frame});
  }
  if (options_.shelf != nullptr) options_.shelf->keep_frames(shelved);
  return {};
}

}  // namespace engine
