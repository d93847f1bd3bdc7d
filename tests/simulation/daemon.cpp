#include "daemon.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace simulation {

namespace {

World& world() {
  return World::current();
}

constexpr Nanos kStartRetry = 500 * kMilli;
constexpr std::int32_t kDaemonPids = 90;  // below 100, where the applications' begin

}  // namespace

void Daemon::end() {
  if (run_ != nullptr) {
    run_->process.ending = false;
    kill();
    clear_away();
  }
}

void Daemon::start() {
  CHECK(run_ == nullptr);
  run_ = std::make_unique<Run>();
  Process& process = run_->process;
  process.pid = 1 + runs_++ % kDaemonPids;
  process.name = fmt::format("daemon {}", runs_);
  process.is_daemon = true;
  process.rates = plan_.daemon_faults;
  process.kill_at_step = plan_.daemon.kill_at_step;
  world().spawn(process, "router", [this, r = run_.get()] { run(*r); });
}

void Daemon::run(Run& r) {
  while (!begin(r)) {
    if (r.process.dead) return;  // clear_away() does the rest
    r.process.ending = true;
    take_apart(r);
    r.process.ending = false;
    world().let_pass(kStartRetry);
  }
  r.ready = !r.process.dead;
  while (!r.process.dead && !r.stopping) r.fleet->turn();
  if (!r.process.dead) stop(r);
}

// As cli/daemon_command.cpp puts it together.
bool Daemon::begin(Run& r) {
  r.closer = std::make_unique<os::FileCloser>();
  r.watcher = std::make_unique<Watcher>(r.process, *r.closer, plan_.watch);
  r.stream = std::make_unique<fleet::WatcherStream>(*r.watcher);
  auto end = std::make_unique<Store>(bucket_, r.process);
  r.store_end = end.get();
  Machine::current().refuse_requests = [end = r.store_end] { end->refuse_all(); };
  r.store = std::make_unique<storage::RetryingStore>(std::move(end), *r.store_end);
  engine::EngineConfig config;
  config.state_directory = std::string(kState);
  config.bucket_text = "simulated";
  config.workers = static_cast<unsigned>(plan_.daemon.workers);
  config.memory_limit_bytes = plan_.daemon.memory_limit_bytes;
  config.client.sync_interval = std::chrono::milliseconds(plan_.daemon.sync_interval_ms);
  config.client.cold_after = std::chrono::milliseconds(plan_.daemon.cold_after_ms);
  config.client.switch_to_wal = plan_.daemon.switch_to_wal;
  config.client.page_set_memory_bytes = plan_.daemon.page_set_bytes;
  config.upkeep.compaction = plan_.daemon.compaction;
  config.client.retention = plan_.daemon.retention;
  auto engine = engine::Engine::start(config, *r.store, *r.stream, *r.closer, base::system_clock());
  if (!engine) {
    trouble_ = engine.error().message;
    return false;
  }
  r.engine = std::move(*engine);
  fleet::FleetOptions options;
  options.watch_dirs = {std::string(kTenants)};
  options.state_directory = std::string(kState);
  auto fleet = fleet::Fleet::open(std::move(options), *r.watcher, *r.stream, *r.closer, *r.engine);
  if (!fleet) {
    trouble_ = fleet.error().message;
    return false;
  }
  r.fleet = std::move(*fleet);
  return true;
}

void Daemon::take_apart(Run& r) {
  r.fleet.reset();
  if (r.engine != nullptr) r.engine->stop();
  if (r.store_end != nullptr) r.store_end->begin_closing();
  r.store.reset();
  r.store_end = nullptr;
  Machine::current().refuse_requests = nullptr;
  r.engine.reset();
  r.stream.reset();
  if (r.watcher != nullptr) overflows_ += r.watcher->overflows;
  r.watcher.reset();
  r.closer.reset();
}

void Daemon::kill() {
  if (run_ != nullptr) world().kill(run_->process);
}

void Daemon::clear_away() {
  CHECK(run_ != nullptr && run_->process.dead && !world().in_fiber());
  world().reap(run_->process);
  Process* before = world().act_for(&run_->process);
  take_apart(*run_);
  world().act_for(before);
  dead_runs_.push_back(std::move(run_));
}

void Daemon::begin_stop() {
  run_->stopping = true;
  run_->watcher->wake();
}

void Daemon::stop(Run& r) {
  r.process.ending = true;
  take_apart(r);
  if (r.process.dead) return;
  const Disk& disk = Machine::current().disk;
  if (const std::size_t open = disk.open_descriptors(r.process); open > 0) {
    world().violation(fmt::format("{} descriptors are open after a clean stop", open));
  }
  if (const std::size_t locks = disk.locks_of(r.process, "/"); locks > 0) {
    world().violation(fmt::format("{} locks are held after a clean stop", locks));
  }
  r.process.ending = false;
  world().kill(r.process);
}

}  // namespace simulation
