#include <algorithm>

#include "disk.h"

namespace simulation {

namespace {

bool overlap(const Lock& lock, std::uint64_t first, std::uint64_t end) {
  return lock.first < end && first < lock.end;
}

}  // namespace

void Disk::unlock(Inode& inode, std::uint64_t owner, std::uint64_t first, std::uint64_t end) {
  std::vector<Lock> kept;
  for (const Lock& lock : inode.locks) {
    if (lock.owner != owner || !overlap(lock, first, end)) {
      kept.push_back(lock);
      continue;
    }
    Lock part = lock;
    part.end = first;
    if (part.first < part.end) kept.push_back(part);
    part = lock;
    part.first = end;
    if (part.first < part.end) kept.push_back(part);
  }
  inode.locks = std::move(kept);
}

bool Disk::set_lock(Inode& inode, const Lock& wanted, std::vector<Lock>* by) {
  bool free = true;
  for (const Lock& lock : inode.locks) {
    if (lock.owner == wanted.owner || !overlap(lock, wanted.first, wanted.end)) continue;
    if (!lock.exclusive && !wanted.exclusive) continue;
    free = false;
    if (by != nullptr) by->push_back(lock);
  }
  if (!free) return false;
  unlock(inode, wanted.owner, wanted.first, wanted.end);
  inode.locks.push_back(wanted);
  return true;
}

void Disk::unlock_process(Inode& inode, std::int32_t pid) {
  std::erase_if(inode.locks, [pid](const Lock& lock) { return lock.pid == pid; });
}

const Lock* Disk::conflict(const Inode& inode, std::uint64_t owner, std::int32_t but_pid, std::uint64_t first,
                           std::uint64_t end) {
  for (const Lock& lock : inode.locks) {
    if (lock.owner != owner && lock.pid != but_pid && overlap(lock, first, end)) return &lock;
  }
  return nullptr;
}

std::size_t Disk::locks_of(const Process& process, std::string_view prefix) const {
  std::size_t count = 0;
  std::set<const Inode*> seen;
  const auto add = [&](std::string_view path, const Inode& inode) {
    if (!path.starts_with(prefix) || !seen.insert(&inode).second) return;
    for (const Lock& lock : inode.locks) {
      if (lock.pid == process.pid || (lock.pid == -1 && process.is_daemon)) ++count;
    }
  };
  for (const auto& [path, inode] : names_) add(path, *inode);
  for (const auto& file : descriptions_) {
    if (file != nullptr) add(file->path, *file->inode);
  }
  return count;
}

}  // namespace simulation
