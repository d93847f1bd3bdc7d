// Which pages are fetched together with one that is wanted. A request costs its way there and back, about what 2 MB
// cost on a good line, so neighbours come along: few where a query jumps, more and more where it goes on.
//
//   jump      the block of 64 KiB that the page lies in; blocks grow up to 1 MiB as long as a quarter of what they
//   bring
//             is used
//   going on  next to what was fetched a moment ago, up or down: twice as much as then, up to 8 MiB
//
// Pure and deterministic. Eight places are followed at a time: a query goes through tables and indexes side by side.
#pragma once

#include <array>
#include <cstdint>

namespace engine {

struct PageWindow {
  std::uint32_t first = 0, last = 0;  // both included
  bool going_on = false;
  friend bool operator==(const PageWindow&, const PageWindow&) = default;
};

class ReadAhead {
 public:
  // `bytes_max`: no window is larger (but for one page).
  ReadAhead(std::uint32_t page_size, std::uint32_t pages, std::uint64_t bytes_max);

  // `page` is wanted and was not there. `brought` and `used` are the cache's counts (page_cache.h) so far.
  PageWindow window(std::uint32_t page, std::uint64_t brought, std::uint64_t used);

 private:
  struct Place {
    std::uint32_t first = 0, last = 0;  // what was fetched there last; 0: nobody is here
    std::uint32_t pages = 0;            // how much that was meant to be
    std::uint64_t at = 0;               // when
  };
  void adapt_block(std::uint64_t brought, std::uint64_t used);
  PageWindow clipped(std::int64_t first, std::int64_t last, bool going_on) const;

  std::uint32_t pages_;
  std::uint32_t block_min_, block_max_, window_max_;  // pages
  std::uint32_t block_;
  unsigned jumps_ = 0;  // since block_ was looked at
  std::uint64_t brought_then_ = 0, used_then_ = 0;
  std::uint64_t now_ = 0;
  std::array<Place, 8> places_{};
};

}  // namespace engine
