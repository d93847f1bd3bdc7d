#include "engine/range_fetcher.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "storage/arrival.h"
#include "storage/call.h"

namespace engine {

struct RangeFetcher::Asked {
  Range range;
  std::optional<base::Result<base::Bytes>> answer;
};

// Ranges in the order in which they were asked for, with what came. The store's thread fills in, ours takes from the
// front.
class RangeFetcher::Answers {
 public:
  std::shared_ptr<Asked> add(Range range) {
    auto asked = std::make_shared<Asked>();
    asked->range = std::move(range);
    const std::scoped_lock lock(mutex_);
    asked_.push_back(asked);
    ++under_way_;
    return asked;
  }
  void answer(Asked& asked, base::Result<base::Bytes> bytes) {
    const std::scoped_lock lock(mutex_);
    asked.answer = std::move(bytes);
    --under_way_;
    changed_.announce();
  }
  // True if the front is answered, false if there is a free place among the `parallel` first; waits for either.
  bool wait_front_or_place(unsigned parallel) {
    std::unique_lock lock(mutex_);
    while (!asked_.front()->answer && under_way_ >= parallel) changed_.wait(lock);
    return asked_.front()->answer.has_value();
  }
  void wait_front() {
    std::unique_lock lock(mutex_);
    while (!asked_.front()->answer.has_value()) changed_.wait(lock);
  }
  std::shared_ptr<Asked> take() {
    const std::scoped_lock lock(mutex_);
    auto front = std::move(asked_.front());
    asked_.pop_front();
    return front;
  }
  void wait_idle() {
    std::unique_lock lock(mutex_);
    while (under_way_ > 0) changed_.wait(lock);
  }
  [[nodiscard]] unsigned under_way() const {
    const std::scoped_lock lock(mutex_);
    return under_way_;
  }
  [[nodiscard]] bool empty() const {
    const std::scoped_lock lock(mutex_);
    return asked_.empty();
  }

 private:
  mutable std::mutex mutex_;
  storage::Arrival changed_;
  std::deque<std::shared_ptr<Asked>> asked_;
  unsigned under_way_ = 0;
};

RangeFetcher::RangeFetcher(storage::ObjectStore& store, NextRange next_range, FetchOptions options)
    : store_(store),
      next_range_(std::move(next_range)),
      options_(std::move(options)),
      answers_(std::make_shared<Answers>()),
      forward_stop_(options_.context.stop, [this] { stop_.request_stop(); }) {
  options_.parallel = std::max(options_.parallel, 1U);
}

RangeFetcher::~RangeFetcher() {
  stop_.request_stop();
  answers_->wait_idle();
}

void RangeFetcher::ask() {
  while (answers_->under_way() < options_.parallel) {
    if (!held_back_) held_back_ = next_range_();
    if (!held_back_) return;
    const bool room = waiting_bytes_ + held_back_->length <= options_.waiting_bytes_max;
    if (!room && waiting_bytes_ > 0) return;
    const Range range = *std::exchange(held_back_, std::nullopt);
    waiting_bytes_ += range.length;
    auto asked = answers_->add(range);
    store_.get({.key = range.key, .offset = range.offset, .length = range.length},
               {.deadline = options_.context.deadline, .stop = stop_.get_token()},
               [answers = answers_, asked = std::move(asked)](base::Result<base::Bytes> bytes) {
                 answers->answer(*asked, std::move(bytes));
               });
  }
}

base::Result<RangeFetcher::Fetched> RangeFetcher::next() {
  // Also where everything has come already.
  TRY(storage::still_wanted(options_.context, base::system_clock().steady_now()));
  ask();
  CHECK(!answers_->empty());
  while (!answers_->wait_front_or_place(options_.parallel)) {
    const std::uint64_t before = waiting_bytes_;
    ask();
    // No room or no more ranges: nothing to do but to wait for the front.
    if (waiting_bytes_ == before) answers_->wait_front();
  }
  const auto asked = answers_->take();
  auto& bytes = *asked->answer;
  if (!bytes) {
    stop_.request_stop();
    return base::fail(bytes.error().with_context(asked->range.key.value));
  }
  if (bytes->size() != asked->range.length) {
    stop_.request_stop();
    return base::fail(base::Category::corrupt, fmt::format("{}: {} bytes where the listing promised {}",
                                                           asked->range.key.value, bytes->size(), asked->range.length));
  }
  waiting_bytes_ -= asked->range.length;
  return Fetched{std::move(asked->range), *std::move(bytes)};
}

}  // namespace engine
