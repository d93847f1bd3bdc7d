// os/closer.h without its thread: files are closed by an action in virtual time, at once or a while later.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "machine.h"
#include "os/closer.h"

namespace os {

namespace {

simulation::Machine& machine() {
  return simulation::Machine::current();
}

// The last close of an unlinked file waits for the file system's journal.
simulation::Nanos closing_time() {
  simulation::Random& random = machine().closing;
  return random.chance(0.7) ? random.between(0, 50 * simulation::kMicro) : random.between(0, 16 * simulation::kMilli);
}

}  // namespace

FileCloser::FileCloser() = default;

FileCloser::~FileCloser() {
  CHECK(holds_.empty());
  stopping_ = true;
}

void FileCloser::close_later(File file) {
  if (!file.is_open()) return;
  waiting_.push_back(std::move(file));
  if (std::exchange(closing_, true)) return;
  simulation::Process* process = machine().world.process();
  machine().world.at(machine().world.now() + closing_time(), [this, process] {
    if (process->dead) return;  // and the closer may be gone with it
    closing_ = false;
    flush();
  });
}

FileCloser::Hold FileCloser::hold() {
  const std::uint64_t id = ++last_hold_id_;
  holds_.push_back({.id = id, .files = std::nullopt});
  return {this, id};
}

FileCloser::Hold::Hold(Hold&& other) noexcept : closer_(std::exchange(other.closer_, nullptr)), id_(other.id_) {}

FileCloser::Hold::~Hold() {
  if (closer_ != nullptr) closer_->change_hold(id_, std::nullopt);
}

void FileCloser::Hold::narrow(std::vector<FileId> keep_open) {
  closer_->change_hold(id_, std::move(keep_open));
}

void FileCloser::change_hold(std::uint64_t id, std::optional<std::vector<FileId>> files) {
  const auto found = std::ranges::find(holds_, id, &ActiveHold::id);
  CHECK(found != holds_.end());
  if (files) {
    found->files = std::move(files);
  } else {
    holds_.erase(found);
  }
  for (File& file : parked_) waiting_.push_back(std::move(file));
  parked_.clear();
  flush();
}

bool FileCloser::may_close_something() const {
  if (machine().fault == simulation::Fault::closed_at_once) return !waiting_.empty();
  return !waiting_.empty() &&
         std::ranges::all_of(holds_, [](const ActiveHold& hold) { return hold.files.has_value(); });
}

bool FileCloser::is_held(const File& file) const {
  if (holds_.empty() || machine().fault == simulation::Fault::closed_at_once) return false;
  const simulation::Description* open = machine().disk.at(file.descriptor());
  if (open == nullptr) return false;
  return std::ranges::any_of(holds_, [&](const ActiveHold& hold) {
    return std::ranges::find(*hold.files, FileId{1, open->inode->number}) != hold.files->end();
  });
}

void FileCloser::flush() {
  while (may_close_something()) {
    File file = std::move(waiting_.front());
    waiting_.pop_front();
    if (is_held(file)) {
      parked_.push_back(std::move(file));
    } else {
      file.close();
    }
  }
}

}  // namespace os
