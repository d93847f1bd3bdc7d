// os/file_lock.h over the simulated disk's locks, and what the product asks about its own process.
#include <cerrno>
#include <string>
#include <utility>

#include "machine.h"
#include "os/file_lock.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/translate.h"

namespace os {

namespace {

using simulation::Description;
using simulation::Disk;
using simulation::Fault;
using simulation::Lock;
using simulation::Machine;
using simulation::Op;

constexpr std::int32_t kNobody = -2;

Machine& machine() {
  return Machine::current();
}

std::uint64_t owner_of(int descriptor) {
  return Disk::owner_of(descriptor);
}

base::Result<Description*> use(int descriptor) {
  Description* file = machine().disk.at(descriptor);
  const std::string path = file == nullptr ? std::string() : file->path;
  if (const int failed = machine().world.step(Op::lock, path); failed != 0) {
    return base::fail(error_of_errno(failed, "lock", path));
  }
  file = machine().disk.at(descriptor);
  if (file == nullptr) return base::fail(base::Category::io, "the process is dead");
  return file;
}

// F_OFD_GETLK overlooks this description's locks, F_GETLK (`but_pid`) those of this process.
base::Result<std::optional<LockHolder>> ask(const File& file, std::uint64_t first, std::uint64_t count,
                                            std::int32_t but_pid) {
  TRY_ASSIGN(Description * description, use(file.descriptor()));
  if (machine().fault == Fault::writers_lock_is_not_seen && first == kShmWriteByte && count == 1) return std::nullopt;
  const std::uint64_t owner = but_pid == kNobody ? owner_of(file.descriptor()) : 0;
  const Lock* holder = Disk::conflict(*description->inode, owner, but_pid, first, first + count);
  if (holder == nullptr) return std::nullopt;
  return LockHolder{.pid = holder->pid, .exclusive = holder->exclusive};
}

}  // namespace

base::Result<std::optional<LockHolder>> lock_holder(const File& file, std::uint64_t first, std::uint64_t count) {
  return ask(file, first, count, kNobody);
}

bool foreign_process_lock(const File& file, std::uint64_t first, std::uint64_t count) {
  if (machine().fault == Fault::index_without_a_voucher && first == kShmDmsByte) return true;
  const std::int32_t own_pid = process_id();
  for (const std::int32_t but_pid : {kNobody, own_pid}) {
    const auto holder = ask(file, first, count, but_pid);
    if (!holder || !*holder) return false;
    if ((*holder)->pid != -1 && (*holder)->pid != own_pid) return true;
  }
  return false;
}

SharedLock::~SharedLock() {
  release();
}
SharedLock::SharedLock(SharedLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), first_(other.first_), count_(other.count_) {}
SharedLock& SharedLock::operator=(SharedLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    first_ = other.first_;
    count_ = other.count_;
  }
  return *this;
}

base::Result<std::optional<SharedLock>> SharedLock::try_lock(const File& file, std::uint64_t first,
                                                             std::uint64_t count) {
  TRY_ASSIGN(Description * description, use(file.descriptor()));
  if (!Disk::set_lock(*description->inode, {owner_of(file.descriptor()), -1, first, first + count, false})) {
    return std::nullopt;
  }
  SharedLock held;
  held.fd_ = file.descriptor();
  held.first_ = first;
  held.count_ = count;
  return held;
}

void SharedLock::release() {
  if (fd_ < 0) return;
  if (const Description* file = machine().disk.at(fd_)) {
    Disk::unlock(*file->inode, owner_of(fd_), first_, first_ + count_);
  }
  fd_ = -1;
}

base::Result<ExclusiveFileLock> ExclusiveFileLock::acquire(const fs::path& path) {
  Machine& m = machine();
  if (const int failed = m.world.step(Op::open, path.native()); failed != 0) {
    return base::fail(error_of_errno(failed, "open lock file", path));
  }
  const int descriptor = m.disk.open(*m.world.process(), path.native(), {.write = true, .create = true});
  File file = File::adopt(descriptor);
  const Lock wanted{owner_of(descriptor), -1, 0, UINT64_MAX, true};
  if (Disk::set_lock(*m.disk.at(descriptor)->inode, wanted)) return ExclusiveFileLock(std::move(file));
  return base::fail(base::Category::conflict, "another process holds the lock file " + path.string());
}

bool read_leases_granted(const File& file) {
  const auto description = use(file.descriptor());
  return description && (*description)->inode->writers == 0;
}

std::int32_t process_id() {
  const simulation::Process* process = machine().world.process();
  return process == nullptr ? 1 : process->pid;
}
void let_applications_go_first() {}
void give_back_free_memory() {}
void let_go_of_idle_code() {}

}  // namespace os
