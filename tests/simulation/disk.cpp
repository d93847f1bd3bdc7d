#include "disk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace simulation {

namespace {

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

void Disk::tell(os::EventKind kind, const std::string& path) {
  if (on_event && !path.empty()) on_event(kind, parent_of(path), path.substr(path.rfind('/') + 1));
}

void Disk::touch(Inode& inode) {
  inode.modified = inode.changed = stamp();
}

// The name that an event of an open file carries: a deleted file keeps its last one, a renamed one has the new.
const std::string& Disk::name_of(const Description& file) const {
  if (file.inode->links == 0 || find(file.path) == file.inode) return file.path;
  for (const auto& [path, inode] : names_) {
    if (inode == file.inode) return path;
  }
  return file.path;
}

InodePtr Disk::find(std::string_view path) const {
  const auto it = names_.find(path);
  return it == names_.end() ? nullptr : it->second;
}

int Disk::open(Process& process, const std::string& path, OpenMode mode) {
  InodePtr inode;
  if (path.empty()) {  // a temporary file without a name
    inode = std::make_shared<Inode>(++inodes_);
    inode->links = 0;
  } else {
    inode = find(path);
    if (inode != nullptr && mode.exclusive) return -EEXIST;
    if (inode == nullptr && !mode.create) return -ENOENT;
  }
  if (inode == nullptr) {
    inode = std::make_shared<Inode>(++inodes_);
    inode->durable = durable_;
    inode->born = kEpoch + world_.now();
    touch(*inode);
    names_[path] = inode;
    tell(os::EventKind::created, path);
  } else if (mode.truncate && inode->size > 0) {
    inode->truncate(0);
    touch(*inode);
    tell(os::EventKind::modified, path);
  }
  if (mode.write) ++inode->writers;
  auto file = std::make_unique<Description>();
  file->process = &process;
  file->inode = std::move(inode);
  file->path = path;
  file->writable = mode.write;
  descriptions_.push_back(std::move(file));
  return static_cast<int>(descriptions_.size() - 1);
}

int Disk::unlink(const std::string& path) {
  const auto it = names_.find(path);
  if (it == names_.end()) return ENOENT;
  --it->second->links;
  it->second->changed = stamp();
  names_.erase(it);
  tell(os::EventKind::deleted, path);
  return 0;
}

int Disk::rename(const std::string& from, const std::string& to) {
  const auto it = names_.find(from);
  if (it == names_.end()) return ENOENT;
  InodePtr inode = std::move(it->second);
  names_.erase(it);
  if (const auto over = names_.find(to); over != names_.end()) {
    --over->second->links;
    over->second->changed = stamp();
  }
  inode->changed = stamp();
  names_[to] = std::move(inode);
  tell(os::EventKind::moved_from, from);
  tell(os::EventKind::moved_to, to);
  return 0;
}

std::vector<std::pair<std::string, bool>> Disk::list(const std::string& directory) const {
  std::vector<std::pair<std::string, bool>> entries;
  const std::string prefix = directory + "/";
  const auto direct = [&](const std::string& path) {
    return path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos;
  };
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix); ++it) {
    if (direct(it->first)) entries.emplace_back(it->first.substr(prefix.size()), false);
  }
  for (const std::string& path : directories_) {
    if (direct(path)) entries.emplace_back(path.substr(prefix.size()), true);
  }
  return entries;
}

Description* Disk::at(int descriptor) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= descriptions_.size()) return nullptr;
  return descriptions_[static_cast<std::size_t>(descriptor)].get();
}

void Disk::close(int descriptor) {
  Description* file = at(descriptor);
  if (file == nullptr) return;
  // Linux: whatever descriptor of the inode a process closes, its POSIX locks there are gone. SQLite's connections know
  // that (vfs_locks.cpp); the daemon's files know it by decision 0002.
  if (file->process->is_daemon && !file->writable) unlock_process(*file->inode, file->process->pid);
  unlock(*file->inode, owner_of(descriptor), 0, UINT64_MAX);
  if (file->writable) {
    --file->inode->writers;
    tell(os::EventKind::closed_after_write, name_of(*file));
  }
  descriptions_[static_cast<std::size_t>(descriptor)].reset();
}

void Disk::write(Description& file, std::uint64_t offset, base::ByteView bytes) {
  file.inode->write(offset, bytes);
  touch(*file.inode);
  tell(os::EventKind::modified, name_of(file));
}

void Disk::truncate(Description& file, std::uint64_t size) {
  file.inode->truncate(size);
  touch(*file.inode);
  tell(os::EventKind::modified, name_of(file));
}

void Disk::sync(Description& file) {
  if (!durable_) return;
  file.inode->synced = file.inode->bytes();
  file.inode->unsynced.clear();
  sync_names();
}

void Disk::sync_names() {
  if (durable_) synced_names_ = names_;
}

std::size_t Disk::open_descriptors(const Process& process) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      descriptions_, [&](const auto& file) { return file != nullptr && file->process == &process; }));
}

void Disk::take_all_from(Process& process) {
  for (std::size_t i = 0; i < descriptions_.size(); ++i) {
    if (descriptions_[i] == nullptr || descriptions_[i]->process != &process) continue;
    std::erase_if(descriptions_[i]->inode->locks,
                  [&](const Lock& lock) { return lock.pid == process.pid || (lock.pid == -1 && process.is_daemon); });
    close(static_cast<int>(i));
  }
}

std::vector<std::pair<InodePtr, base::Bytes>> Disk::indexes() const {
  std::vector<std::pair<InodePtr, base::Bytes>> found;
  std::set<const Inode*> seen;
  const auto add = [&](std::string_view path, const InodePtr& inode) {
    if (path.ends_with("-shm") && inode->size >= kChunkBytes && seen.insert(inode.get()).second) {
      found.emplace_back(inode, inode->bytes());
    }
  };
  for (const auto& [path, inode] : names_) add(path, inode);
  for (const auto& file : descriptions_) {
    if (file != nullptr) add(file->path, file->inode);
  }
  return found;
}

void Disk::restore(Inode& inode, const base::Bytes& bytes) {
  for (std::size_t i = 0; i * kChunkBytes < bytes.size(); ++i) {
    const base::ByteView all(bytes);
    std::ranges::copy(all.subspan(i * kChunkBytes, std::min(kChunkBytes, bytes.size() - i * kChunkBytes)),
                      inode.region(i));
  }
}

// Names go back to the last sync, or stay; bytes that were not synced are there, in part there, or not.
void Disk::power_cut() {
  CHECK(durable_);
  Random& random = world_.random();
  for (auto& description : descriptions_) description.reset();  // no number is given twice
  if (random.chance(0.5)) names_ = synced_names_;
  for (auto& [path, inode] : names_) {
    auto survivor = std::make_shared<Inode>(inode->number);
    survivor->durable = true;
    survivor->born = inode->born;
    survivor->modified = inode->modified;
    survivor->changed = inode->changed;
    survivor->write(0, inode->synced);
    for (const Inode::Unsynced& change : inode->unsynced) {
      if (random.chance(0.4)) continue;
      if (change.truncation) {
        survivor->truncate(change.offset);
        continue;
      }
      const std::size_t whole = change.bytes.size();
      const std::size_t kept = random.chance(0.2) ? random.below(whole) / 512 * 512 : whole;
      survivor->write(change.offset, base::ByteView(change.bytes).first(kept));
    }
    survivor->synced = survivor->bytes();
    survivor->unsynced.clear();
    inode = std::move(survivor);
  }
  synced_names_ = names_;
}

}  // namespace simulation
