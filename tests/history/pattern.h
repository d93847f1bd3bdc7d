// How an application writes, and how large that makes its objects: a model with numbers in the place of pages, so that
// a year takes a second. Deterministic.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "history/compaction.h"
#include "history/object.h"

namespace history::model {

// What one commit touches.
struct Commit {
  base::UnixMillis time{0};
  std::uint32_t hot = 0;    // touches of the few pages that are written again and again
  std::uint32_t warm = 0;   // touches of pages anywhere
  std::uint32_t added = 0;  // new pages at the end
  bool rewrite = false;     // all pages, as VACUUM does
  std::uint32_t page_count = 0;
};

struct Pattern {
  std::string name;
  std::uint32_t hot_pages = 1;
  int days = 365;
  // Commits in order of time, from `start` on, until it returns false.
  std::function<bool(std::uint64_t index, Commit& commit)> next;
};

inline constexpr std::uint32_t kPageSize = 4096;
// Monday, 2024-01-01: a leap year.
inline constexpr base::UnixMillis kStart{1'704'067'200'000};

std::vector<Pattern> all_patterns();
// A commit each `step`, to a database of `page_count` pages, for so many days.
Pattern steady_pattern(base::UnixMillis step, std::uint32_t page_count, int days);

// All that was ever committed, so that the size of any range of TXIDs can be told: how often pages were touched is
// summed up, and the expected number of different pages among as many random ones is what a merge has.
class Written {
 public:
  explicit Written(const Pattern& pattern) : hot_pages_(pattern.hot_pages) { sums_.emplace_back(); }

  void add(const Commit& commit);
  [[nodiscard]] base::Txid newest() const { return base::Txid{sums_.size() - 1}; }
  [[nodiscard]] base::UnixMillis time(base::Txid txid) const { return sums_[txid.value].time; }
  [[nodiscard]] DatabaseSize database(base::Txid txid) const {
    return {.page_size = kPageSize, .page_count = sums_[txid.value].page_count};
  }
  // The object {min, max}, at any level.
  [[nodiscard]] Object object(base::Level level, base::Txid min, base::Txid max, base::UnixMillis stored_at) const;
  [[nodiscard]] std::uint64_t image_bytes(base::Txid txid) const;

 private:
  struct Sum {
    std::uint32_t hot = 0, warm = 0, added = 0, page_count = 0;
    std::uint32_t rewritten = 0;  // the last TXID that rewrote all pages
    base::UnixMillis time{0};
  };
  [[nodiscard]] double pages(base::Txid min, base::Txid max) const;

  std::uint32_t hot_pages_;
  std::vector<Sum> sums_;  // by TXID
};

}  // namespace history::model
