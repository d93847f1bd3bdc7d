#include "engine/read_ahead.h"

#include <algorithm>

namespace engine {
namespace {

constexpr std::uint64_t kBlockBytesMin = 64U << 10, kBlockBytesMax = 1U << 20, kWindowBytesMax = 8U << 20;
constexpr unsigned kJumpsBetweenLooks = 32;

std::uint32_t pages_of(std::uint64_t bytes, std::uint32_t page_size) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, bytes / page_size));
}

}  // namespace

ReadAhead::ReadAhead(std::uint32_t page_size, std::uint32_t pages, std::uint64_t bytes_max)
    : pages_(pages),
      block_min_(pages_of(std::min(kBlockBytesMin, bytes_max), page_size)),
      block_max_(pages_of(std::min(kBlockBytesMax, bytes_max), page_size)),
      window_max_(pages_of(std::min(kWindowBytesMax, bytes_max), page_size)),
      block_(block_min_) {}

PageWindow ReadAhead::clipped(std::int64_t first, std::int64_t last, bool going_on) const {
  return {static_cast<std::uint32_t>(std::max<std::int64_t>(first, 1)),
          static_cast<std::uint32_t>(std::min<std::int64_t>(last, pages_)), going_on};
}

void ReadAhead::adapt_block(std::uint64_t brought, std::uint64_t used) {
  if (++jumps_ < kJumpsBetweenLooks) return;
  jumps_ = 0;
  const std::uint64_t came = brought - brought_then_;
  const std::uint64_t wanted = used - used_then_;
  brought_then_ = brought;
  used_then_ = used;
  if (wanted * 4 >= came) block_ = std::min(block_ * 2, block_max_);
  if (wanted * 8 < came) block_ = std::max(block_ / 2, block_min_);
}

PageWindow ReadAhead::window(std::uint32_t page, std::uint64_t brought, std::uint64_t used) {
  ++now_;
  const std::int64_t wanted = page;
  for (Place& place : places_) {
    if (place.first == 0) continue;
    const std::int64_t reach = place.pages;
    const std::uint32_t twice = std::min(place.pages * 2, window_max_);
    PageWindow next;
    if (wanted > place.last && wanted <= place.last + reach) {
      next = clipped(wanted, wanted + twice - 1, true);
    } else if (wanted < place.first && wanted >= place.first - reach) {
      next = clipped(wanted - twice + 1, wanted, true);
    } else {
      continue;
    }
    place = {next.first, next.last, twice, now_};
    return next;
  }
  adapt_block(brought, used);
  const std::int64_t first = (wanted - 1) / block_ * block_ + 1;
  const PageWindow block = clipped(first, first + block_ - 1, false);
  *std::ranges::min_element(places_, {}, &Place::at) = {block.first, block.last, block_, now_};
  return block;
}

}  // namespace engine
