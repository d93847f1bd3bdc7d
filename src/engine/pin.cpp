#include "engine/pin.h"

#include "engine/look.h"

namespace engine {

namespace {

bool mark_is_unused(const os::File& shm, std::uint32_t slot) {
  const auto index = read_index(shm);
  return index && *index && (**index).read_marks.at(slot) == wal::kUnusedReadMark;
}

// The two questions are not atomic, so the first is asked again.
bool one_process_restarts(const os::File& shm) {
  const auto checkpoint = os::lock_holder(shm, os::kShmCheckpointByte);
  if (!checkpoint || !*checkpoint || (*checkpoint)->pid <= 0) return false;
  const auto writer = os::lock_holder(shm, os::kShmWriteByte);
  if (!writer || !*writer || (*writer)->pid != (*checkpoint)->pid) return false;
  const auto again = os::lock_holder(shm, os::kShmCheckpointByte);
  return again && *again && (*again)->pid == (*checkpoint)->pid;
}

}  // namespace

void Pin::hold(const os::File& shm, base::SteadyTime now) {
  if (lock_.held() || now < free_until_ || now < truncates_until_) return;
  for (const std::uint32_t slot : {4U, 3U}) {
    if (!mark_is_unused(shm, slot)) continue;
    auto lock = os::SharedLock::try_lock(shm, os::kShmRead0Byte + slot);
    if (!lock || !*lock) continue;
    lock_ = std::move(**lock);
    slot_ = slot;
    since_ = now;
    if (!mark_is_unused(shm, slot)) {  // became a reader's slot between the two reads
      lock_.release();
      continue;
    }
    bump(probe_->pins);
    return;
  }
}

void Pin::check(const os::File& shm, base::SteadyTime now) {
  if (!lock_.held()) return;
  if (!mark_is_unused(shm, slot_)) {
    release();
  } else if (one_process_restarts(shm)) {
    release();
    learn_truncation(now);
  } else if (now - since_ >= (long_ ? kLongHold : kHold)) {
    release();
    free_until_ = now + kHold;
  }
}

void Pin::release() {
  lock_.release();
}

}  // namespace engine
