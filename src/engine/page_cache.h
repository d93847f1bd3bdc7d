// Pages in memory, those that were used last: a bound on what a query keeps.
#pragma once

#include <cstdint>
#include <list>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"

namespace engine {

// One thread. Holds at least one page whatever its bound.
class PageCache {
 public:
  explicit PageCache(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Null if it is not there. Valid until the next put().
  const base::Bytes* find(std::uint32_t page) {
    const auto found = pages_.find(page);
    if (found == pages_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    if (!found->second->used) ++used_;
    found->second->used = true;
    return &found->second->data;
  }
  [[nodiscard]] bool contains(std::uint32_t page) const { return pages_.contains(page); }

  // A page that is there stays as it is.
  void put(std::uint32_t page, base::Bytes data) {
    if (pages_.contains(page)) return;
    ++brought_;
    bytes_ += data.size();
    order_.push_front({page, std::move(data), false});
    pages_[page] = order_.begin();
    while (bytes_ > bytes_max_ && order_.size() > 1) {
      bytes_ -= order_.back().data.size();
      pages_.erase(order_.back().page);
      order_.pop_back();
    }
  }

  // Everything that `other` holds, as if put() here.
  void take(PageCache&& other) {
    for (Entry& entry : std::views::reverse(other.order_)) put(entry.page, std::move(entry.data));
    other = PageCache(other.bytes_max_);
  }

  // Pages that were put, and how many of them were found at least once before they went.
  [[nodiscard]] std::uint64_t brought() const { return brought_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  struct Entry {
    std::uint32_t page;
    base::Bytes data;
    bool used;
  };

  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::uint64_t brought_ = 0;
  std::uint64_t used_ = 0;
  std::list<Entry> order_;  // used last first
  std::unordered_map<std::uint32_t, std::list<Entry>::iterator> pages_;
};

}  // namespace engine
