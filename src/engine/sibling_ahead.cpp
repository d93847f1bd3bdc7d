#include "engine/sibling_ahead.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t kParentsMax = 16;
constexpr std::int64_t kSlack = 4;  // children that were there already
constexpr std::uint8_t kInteriorIndex = 2, kInteriorTable = 5;

}  // namespace

SiblingAhead::SiblingAhead(std::uint32_t page_size, std::uint32_t pages, std::uint32_t batch_max)
    : page_size_(page_size), pages_(pages), batch_max_(std::max<std::int64_t>(batch_max, 1)) {}

std::vector<std::uint32_t> SiblingAhead::children_of(std::uint32_t page, base::ByteView data) const {
  const std::size_t head = page == 1 ? 100 : 0;
  if (data.size() != page_size_ || (data[head] != kInteriorIndex && data[head] != kInteriorTable)) return {};
  const std::size_t cells = base::load_be16(data.data() + head + 3);
  if (head + 12 + 2 * cells > data.size()) return {};
  std::vector<std::uint32_t> children;
  for (std::size_t i = 0; i <= cells; ++i) {
    const std::size_t at = i == cells ? head + 8 : base::load_be16(data.data() + head + 12 + 2 * i);
    if (at + 4 > data.size()) return {};
    const std::uint32_t child = base::load_be32(data.data() + at);
    if (child == 0 || child > pages_) return {};
    children.push_back(child);
  }
  return children;
}

void SiblingAhead::saw(std::uint32_t page, base::ByteView data) {
  if (std::ranges::find(parents_, page, &Parent::page) != parents_.end()) return;
  auto children = children_of(page, data);
  if (children.empty()) return;
  if (parents_.size() == kParentsMax) parents_.erase(parents_.begin());
  parents_.push_back({page, std::move(children), -1});
}

std::vector<std::uint32_t> SiblingAhead::after(std::uint32_t page) {
  for (std::size_t i = parents_.size(); i-- > 0;) {
    Parent& parent = parents_[i];
    const auto found = std::ranges::find(parent.children, page);
    if (found == parent.children.end()) continue;
    const auto size = std::ssize(parent.children);
    const std::int64_t at = found - parent.children.begin();
    const std::int64_t last = std::exchange(parent.last, at);
    std::rotate(parents_.begin() + static_cast<std::ptrdiff_t>(i),
                parents_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                parents_.end());  // the newest; `parent` is another one from here on
    const Parent& here = parents_.back();
    const bool up = last >= 0 && at > last && at <= last + batch_ + kSlack;
    const bool down = last >= 0 && at < last && at >= last - batch_ - kSlack;
    // A scan that comes from the interior page before, or behind.
    const bool enters = last < 0 && batch_ > 1 && (at == 0 || at == size - 1);
    if (!up && !down && !enters) {
      batch_ = 1;
      return {};
    }
    batch_ = std::min(batch_ * 2, batch_max_);
    std::vector<std::uint32_t> pages;
    const std::int64_t step = down || (enters && at != 0) ? -1 : 1;
    for (std::int64_t k = at + step; k >= 0 && k < size && std::ssize(pages) < batch_; k += step) {
      pages.push_back(here.children[static_cast<std::size_t>(k)]);
    }
    return pages;
  }
  return {};
}

}  // namespace engine
