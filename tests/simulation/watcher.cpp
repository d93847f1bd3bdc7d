#include "watcher.h"

#include <algorithm>
#include <utility>

#include "fleet/client_name.h"
#include "fleet/watcher_stream.h"
#include "os/translate.h"

namespace simulation {

namespace {

constexpr std::uint64_t kEventBytes = 16, kNameAlign = 16;
constexpr std::uint64_t kChunkBytesMax = 64 << 10;
constexpr std::size_t kHandOverAfter = 64;

World& world() {
  return World::current();
}

}  // namespace

Watcher::Watcher(Process& daemon, os::FileCloser& closer, WatchPlan plan)
    : daemon_(daemon), plan_(plan), queue_(std::size_t{1} << 18, closer) {
  Machine::current().disk.on_event = [this](os::EventKind kind, const std::string& directory, const std::string& name) {
    on_event(kind, directory, name);
  };
  world().spawn(daemon, "watcher", [this] { read_events(); });
}

// Joins its thread; that of a dead process has run out.
Watcher::~Watcher() {
  stopping_ = true;
  while (!ended_ && world().in_fiber() && !daemon_.dead) {
    world().wake(reader_);
    world().let_pass(100 * kMicro);
  }
  Machine::current().disk.on_event = nullptr;
}

base::Result<os::WatchId> Watcher::add(const os::fs::path& directory) {
  if (const int failed = world().step(Op::open, directory.native()); failed != 0) {
    return base::fail(os::error_of_errno(failed, "watch", directory));
  }
  if (!Machine::current().disk.is_directory(directory.native())) {
    return base::fail(base::Category::not_found, "watch " + directory.string() + ": no such directory");
  }
  const auto [it, added] = watches_.try_emplace(directory.native(), static_cast<os::WatchId>(watches_.size() + 1));
  directories_[it->second] = directory.native();
  return it->second;
}

void Watcher::remove(os::WatchId watch) {
  if (const auto it = directories_.find(watch); it != directories_.end()) {
    watches_.erase(it->second);
    directories_.erase(it);
  }
}

void Watcher::on_event(os::EventKind kind, const std::string& directory, const std::string& name) {
  const auto it = watches_.find(directory);
  if (it == watches_.end() || daemon_.dead) return;
  if (Machine::current().fault == Fault::events_vanish && world().random().chance(0.02)) return;
  Raw raw{kind, it->second, name, kEventBytes + (name.size() / kNameAlign + 1) * kNameAlign};
  if (!kernel_.empty() && kernel_.back() == raw) return;
  if (kernel_.size() >= plan_.kernel_limit) {
    if (kernel_.back().kind == os::EventKind::overflow) return;
    raw = {os::EventKind::overflow, -1, {}, kEventBytes};
    ++overflows;
  }
  bytes_queued_ += raw.bytes;
  kernel_.push_back(std::move(raw));
  world().wake(reader_);
}

std::uint64_t Watcher::stream_mark() {
  if (Machine::current().fault == Fault::opened_in_time_always) return UINT64_MAX / 2;
  return bytes_queued_;
}

// The watcher's thread.
void Watcher::read_events() {
  while (!daemon_.dead && !stopping_) {
    if (kernel_.empty()) {
      world().wait(World::kForEver, reader_);
      continue;
    }
    Random& random = world().random();
    const bool late = random.chance(plan_.late_chance);
    world().let_pass(random.between(5 * kMicro, late ? plan_.late_max : plan_.reaction_max));
    if (!daemon_.dead && !stopping_) read_chunk();
  }
  ended_ = true;
}

void Watcher::read_chunk() {
  std::vector<Raw> chunk;
  std::uint64_t size = 0;
  const std::uint64_t start = bytes_read_;
  while (!kernel_.empty() && size + kernel_.front().bytes <= kChunkBytesMax) {
    size += kernel_.front().bytes;
    chunk.push_back(std::move(kernel_.front()));
    kernel_.pop_front();
  }
  bytes_read_ += size;
  std::vector<os::WatchEvent> batch;
  std::uint64_t position = start;
  for (Raw& raw : chunk) {
    position += raw.bytes;
    batch.push_back(translate(std::move(raw), position));
    if (batch.size() >= kHandOverAfter) queue_.push(batch, position);
  }
  queue_.push(batch, start + size);
  handed_over_ = true;
  world().wake(router_);
}

os::WatchEvent Watcher::translate(Raw raw, std::uint64_t position) {
  os::WatchEvent event;
  event.watch = raw.watch;
  event.kind = raw.kind;
  event.name = std::move(raw.name);
  event.position = position;
  if (event.kind == os::EventKind::created) open_created(event);
  return event;
}

void Watcher::open_created(os::WatchEvent& event) {
  const std::string companion = fleet::companion_to_open(event.name);
  const auto directory = directories_.find(event.watch);
  if (companion.empty() || directory == directories_.end()) return;
  const auto open = [&](const std::string& name) {
    auto opened = os::File::open_read_only(directory->second + "/" + name);
    return opened ? std::move(*opened) : os::File();
  };
  event.open_mark_before = stream_mark();
  event.opened = open(event.name);
  if (event.opened.is_open() && companion != event.name) event.opened_companion = open(companion);
  event.open_mark = stream_mark();
}

// The router's.
std::vector<os::WatchEvent> Watcher::take(std::chrono::nanoseconds timeout) {
  if (world().in_fiber() && !handed_over_ && !woken_) world().wait(std::max<Nanos>(timeout.count(), 0), router_);
  woken_ = handed_over_ = false;
  if (world().in_fiber()) world().let_pass(world().random().between(kMicro, 30 * kMicro));
  return queue_.take(std::chrono::nanoseconds(0));
}

void Watcher::wake() {
  woken_ = true;
  world().wake(router_);
}

}  // namespace simulation

// fleet/watcher_stream.h in virtual time: a thread that waits lets the router and the watcher go on.
namespace fleet {

namespace {

using simulation::kMicro;
using simulation::kMilli;

}  // namespace

bool WatcherStream::wait_delivered(std::uint64_t mark) {
  simulation::World& world = simulation::World::current();
  if (simulation::Machine::current().fault == simulation::Fault::stream_is_not_listened_to) return true;
  const simulation::Nanos deadline = world.now() + 100 * kMilli;
  while (delivered() < mark) {
    watcher_.wake();
    world.let_pass(world.random().between(20 * kMicro, kMilli));
    if (world.process()->dead || world.now() >= deadline) return delivered() >= mark;
  }
  return true;
}

void WatcherStream::deliver(std::uint64_t position) {
  if (position > delivered()) delivered_.store(position, std::memory_order_release);
}

}  // namespace fleet
