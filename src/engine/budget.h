// Limits as objects, shared by all clients. Thread safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace engine {

// Bytes that captured and not yet stored pages may take in memory, over all clients.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t limit_bytes) : limit_(limit_bytes) {}
  void change(std::int64_t by) { used_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] bool exceeded() const { return used_.load(std::memory_order_relaxed) > limit_; }
  [[nodiscard]] std::int64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  std::int64_t limit_;
  std::atomic<std::int64_t> used_{0};
};

// A number of places; a holder gives its place back by destruction. Who finds none leaves word and is called when one
// is free again; the call is a hint (it runs on the thread that leaves, and the place may be taken by then), so who
// waits asks again after a while in any case.
class Places {
 public:
  explicit Places(std::int32_t count) : free_(count) {}

  class Place {
   public:
    Place() = default;
    ~Place() { leave(); }
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      if (this != &other) {
        leave();
        places_ = std::exchange(other.places_, nullptr);
      }
      return *this;
    }
    [[nodiscard]] bool held() const { return places_ != nullptr; }
    void leave() {
      if (auto* places = std::exchange(places_, nullptr)) places->give_back();
    }

   private:
    friend class Places;
    explicit Place(Places* places) : places_(places) {}
    Places* places_ = nullptr;
  };

  // Not held() if all are taken; `when_free` is then called once, later.
  Place try_take(std::function<void()> when_free) {
    const std::scoped_lock lock(mutex_);
    if (free_ > 0) {
      --free_;
      return Place(this);
    }
    waiting_.push_back(std::move(when_free));
    return {};
  }

 private:
  // Two are called for each place, so that one that no longer wants it does not stop the queue.
  static constexpr int kCalls = 2;

  void give_back() {
    std::vector<std::function<void()>> called;
    {
      const std::scoped_lock lock(mutex_);
      ++free_;
      for (int i = 0; i < kCalls && !waiting_.empty(); ++i) {
        called.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    for (const auto& call : called) call();
  }

  std::mutex mutex_;
  std::int32_t free_;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace engine
