#include "os/closer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "os/process.h"

namespace os {

FileCloser::FileCloser() : thread_([this] { run(); }) {}

FileCloser::~FileCloser() {
  {
    const std::scoped_lock lock(mutex_);
    CHECK(holds_.empty());
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FileCloser::close_later(File file) {
  if (!file.is_open()) return;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() + parked_.size() < kMaxWaiting; });
    waiting_.push_back(std::move(file));
  }
  changed_.notify_all();
}

FileCloser::Hold FileCloser::hold() {
  std::unique_lock lock(mutex_);
  const std::uint64_t id = ++last_hold_id_;
  holds_.push_back({.id = id, .files = std::nullopt});
  changed_.wait(lock, [this] { return !closing_; });
  return {this, id};
}

FileCloser::Hold::Hold(Hold&& other) noexcept : closer_(std::exchange(other.closer_, nullptr)), id_(other.id_) {}

FileCloser::Hold::~Hold() {
  if (closer_ != nullptr) closer_->change_hold(id_, std::nullopt);
}

void FileCloser::Hold::narrow(std::vector<FileId> keep_open) {
  closer_->change_hold(id_, std::move(keep_open));
}

// nullopt ends the hold.
void FileCloser::change_hold(std::uint64_t id, std::optional<std::vector<FileId>> files) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(holds_, id, &ActiveHold::id);
    CHECK(found != holds_.end());
    if (files) {
      found->files = std::move(files);
    } else {
      holds_.erase(found);
    }
    // What was parked may be free now: look again.
    for (File& file : parked_) waiting_.push_back(std::move(file));
    parked_.clear();
  }
  changed_.notify_all();
}

void FileCloser::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !closing_ && !may_close_something(); });
}

bool FileCloser::may_close_something() const {
  return !waiting_.empty() &&
         std::ranges::all_of(holds_, [](const ActiveHold& hold) { return hold.files.has_value(); });
}

bool FileCloser::is_held(const File& file) const {
  if (holds_.empty()) return false;
  const auto stat = file.stat();
  if (!stat) return true;  // not knowing which file it is, rather keep it
  return std::ranges::any_of(holds_, [&](const ActiveHold& hold) {
    return std::ranges::find(*hold.files, id_of(*stat)) != hold.files->end();
  });
}

void FileCloser::park_or_close_front(std::unique_lock<std::mutex>& lock) {
  File file = std::move(waiting_.front());
  waiting_.pop_front();
  if (is_held(file)) {
    parked_.push_back(std::move(file));
    return;
  }
  closing_ = true;
  lock.unlock();
  file.close();
  lock.lock();
  closing_ = false;
}

void FileCloser::run() {
  let_applications_go_first();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || may_close_something(); });
    if (!may_close_something()) return;
    park_or_close_front(lock);
    changed_.notify_all();
  }
}

}  // namespace os
