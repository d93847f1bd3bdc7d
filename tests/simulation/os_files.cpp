// os/file.h over the simulated disk, for the daemon: what the product links instead of the operating system.
#include <cerrno>
#include <string>
#include <utility>

#include "machine.h"
#include "os/file.h"
#include "os/permissions.h"
#include "os/translate.h"

namespace os {

namespace {

using simulation::Description;
using simulation::Disk;
using simulation::Inode;
using simulation::Machine;
using simulation::Op;

Machine& machine() {
  return Machine::current();
}

int step(Op op, std::string_view subject) {
  return machine().world.step(op, subject);
}

base::Result<int> open(const fs::path& path, Disk::OpenMode mode) {
  const int failed = step(Op::open, path.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "open", path));
  simulation::Process* process = machine().world.process();
  if (mode.write && simulation::is_tenants(path.native())) {
    machine().world.violation("the daemon opened " + path.string() + " for writing");
  }
  const int descriptor = machine().disk.open(*process, path.native(), mode);
  if (descriptor < 0) return base::fail(error_of_errno(-descriptor, "open", path));
  return descriptor;
}

// The description, once the step is made; an error if it failed or the process has died meanwhile.
base::Result<Description*> use(int descriptor, Op op) {
  const auto path = [&] {
    const Description* file = machine().disk.at(descriptor);
    return file == nullptr ? std::string("a lost descriptor") : file->path;
  };
  const int failed = step(op, path());
  if (failed != 0) return base::fail(error_of_errno(failed, name_of(op), path()));
  Description* file = machine().disk.at(descriptor);
  if (file == nullptr) return base::fail(base::Category::io, "the process is dead");
  return file;
}

FileStat stat_of(const Inode& inode, bool is_database) {
  FileStat stat;
  stat.device = 1;
  stat.inode = inode.number;
  stat.links = inode.links;
  stat.size_bytes = inode.size;
  stat.modified_ns = inode.modified;
  stat.changed_ns = inode.changed;
  stat.born_ns = inode.born;
  stat.owner_uid = effective_uid();
  stat.is_regular = true;
  if (is_database && machine().fault == simulation::Fault::stamps_never_change) {
    stat.size_bytes = 4096;
    stat.modified_ns = stat.changed_ns = inode.born;
  }
  return stat;
}

bool is_database(std::string_view path) {
  return simulation::is_tenants(path) && path.ends_with(".db");
}

}  // namespace

File::~File() {
  close();
}
File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void File::close() {
  if (fd_ >= 0) machine().disk.close(std::exchange(fd_, -1));
}

base::Result<File> File::open_read_only(const fs::path& path) {
  TRY_ASSIGN(const int descriptor, open(path, {}));
  return File(descriptor);
}
base::Result<File> File::create(const fs::path& path) {
  TRY_ASSIGN(const int descriptor, open(path, {.write = true, .create = true, .truncate = true}));
  return File(descriptor);
}
base::Result<File> File::create_new(const fs::path& path) {
  TRY_ASSIGN(const int descriptor, open(path, {.write = true, .create = true, .exclusive = true}));
  return File(descriptor);
}

base::Result<std::size_t> File::read_at(std::uint64_t offset, base::MutableByteView out) const {
  TRY_ASSIGN(Description * file, use(fd_, Op::read));
  // A read is as little atomic as a write: now and then others write between its two halves.
  if (machine().world.in_fiber() && out.size() > 1 && machine().world.random().chance(0.02)) {
    const std::size_t half = machine().world.random().below(out.size());
    const std::size_t got = file->inode->read(offset, out.first(half));
    TRY_ASSIGN(file, use(fd_, Op::read));
    if (got < half) return got;
    return got + file->inode->read(offset + half, out.subspan(half));
  }
  return file->inode->read(offset, out);
}

base::Result<> File::write_at(std::uint64_t offset, base::ByteView bytes) {
  TRY_ASSIGN(Description * file, use(fd_, Op::write));
  machine().disk.write(*file, offset, bytes);
  return {};
}

base::Result<> File::truncate(std::uint64_t size_bytes) {
  TRY_ASSIGN(Description * file, use(fd_, Op::truncate));
  machine().disk.truncate(*file, size_bytes);
  return {};
}

base::Result<> File::sync() {
  TRY_ASSIGN(Description * file, use(fd_, Op::sync));
  machine().disk.sync(*file);
  return {};
}

base::Result<FileStat> File::stat() const {
  TRY_ASSIGN(Description * file, use(fd_, Op::stat));
  return stat_of(*file->inode, is_database(file->path));
}

base::Result<FileStat> stat_path(const fs::path& path) {
  const int failed = step(Op::stat, path.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "stat", path));
  if (machine().disk.is_directory(path.native())) {
    FileStat stat;
    stat.is_directory = true;
    return stat;
  }
  const auto inode = machine().disk.find(path.native());
  if (inode == nullptr) return base::fail(error_of_errno(ENOENT, "stat", path));
  return stat_of(*inode, is_database(path.native()));
}

base::Result<FileSystemKind> file_system_kind(const fs::path& path) {
  const int failed = step(Op::stat, path.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "statfs", path));
  return FileSystemKind::local;
}

base::Result<> sync_directory(const fs::path& directory) {
  const int failed = step(Op::sync, directory.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "sync", directory));
  machine().disk.sync_names();
  return {};
}

base::Result<> rename_file(const fs::path& from, const fs::path& to) {
  int failed = step(Op::name, to.native());
  if (failed == 0) failed = machine().disk.rename(from.native(), to.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "rename to", to));
  return {};
}

base::Result<> rename_no_replace(const fs::path& from, const fs::path& to) {
  if (machine().disk.find(to.native()) != nullptr) return base::fail(error_of_errno(EEXIST, "rename to", to));
  return rename_file(from, to);
}

base::Result<> remove_file(const fs::path& path) {
  const int failed = step(Op::name, path.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "remove", path));
  if (simulation::is_tenants(path.native())) machine().world.violation("the daemon removed " + path.string());
  machine().disk.unlink(path.native());
  return {};
}

base::Result<> make_directories(const fs::path& path) {
  const int failed = step(Op::name, path.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "make directory", path));
  machine().disk.make_directory(path.native());
  return {};
}

base::Result<std::vector<DirectoryEntry>> list_directory(const fs::path& directory) {
  const int failed = step(Op::list, directory.native());
  if (failed != 0) return base::fail(error_of_errno(failed, "list", directory));
  if (!machine().disk.is_directory(directory.native())) {
    return base::fail(error_of_errno(ENOENT, "list", directory));
  }
  std::vector<DirectoryEntry> entries;
  for (auto& [name, is_directory] : machine().disk.list(directory.native())) {
    entries.push_back({std::move(name), is_directory});
  }
  return entries;
}

base::Result<File> create_new_for_everybody(const fs::path& path) {
  return File::create_new(path);
}
base::Result<OwnerTaken> take_permissions(const File&, const fs::path&) {
  return OwnerTaken::yes;
}

std::uint32_t effective_uid() {
  return 1000;
}
std::string boot_id() {
  return "boot-" + std::to_string(machine().boots);
}
std::uint64_t descriptor_limit() {
  return 1024;
}

}  // namespace os
