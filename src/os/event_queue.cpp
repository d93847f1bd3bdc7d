#include "os/event_queue.h"

#include <algorithm>
#include <utility>

namespace os {

namespace {

// Longer waits are answered by an empty take; it keeps the arithmetic of the deadline away from its limits.
constexpr std::chrono::nanoseconds kLongestWait = std::chrono::hours{1};

bool merges(const WatchEvent& last, const WatchEvent& event) {
  return event.kind == EventKind::modified && last.kind == EventKind::modified && last.watch == event.watch &&
         last.name == event.name;
}

}  // namespace

void EventQueue::push(std::vector<WatchEvent>& batch, std::uint64_t position) {
  std::vector<WatchEvent> dropped;
  bool news = false;
  {
    const std::scoped_lock lock(mutex_);
    for (WatchEvent& event : batch) append(std::move(event), dropped);
    pushed_position_ = position;
    news = !events_.empty();
  }
  batch.clear();
  if (news) changed_.notify_one();
  for (WatchEvent& event : dropped) {
    closer_.close_later(std::move(event.opened));
    closer_.close_later(std::move(event.opened_companion));
  }
}

void EventQueue::append(WatchEvent event, std::vector<WatchEvent>& dropped) {
  if (!events_.empty() && merges(events_.back(), event)) {
    events_.back().position = event.position;
    return;
  }
  if (event.kind == EventKind::overflow || events_.size() >= limit_) {
    WatchEvent overflow;
    overflow.kind = EventKind::overflow;
    overflow.position = event.position;
    events_.push_back(std::move(event));
    std::ranges::move(events_, std::back_inserter(dropped));
    events_.clear();
    events_.push_back(std::move(overflow));
    return;
  }
  events_.push_back(std::move(event));
}

std::vector<WatchEvent> EventQueue::take(std::chrono::nanoseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, std::chrono::steady_clock::now() + std::min(timeout, kLongestWait),
                      [this] { return woken_ || !events_.empty(); });
  woken_ = false;
  taken_position_ = pushed_position_;
  return std::exchange(events_, {});
}

void EventQueue::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

std::uint64_t EventQueue::taken_position() {
  const std::scoped_lock lock(mutex_);
  return taken_position_;
}

}  // namespace os
