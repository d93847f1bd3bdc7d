#include "cli/daemon_command.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/open_store.h"
#include "cli/version.h"
#include "engine/engine.h"
#include "fleet/client_name.h"
#include "fleet/fleet.h"
#include "os/closer.h"
#include "os/directory_watcher.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/signals.h"
#include "sqlite/connection.h"
#include "storage/probe.h"
#include "web/web_server.h"

namespace cli {

namespace {

// Counts termination signals and lets the main thread wait for the first.
class StopRequest {
 public:
  void signal(os::StopSignal which) {
    // Everything that is stored is safe at any moment, so a second signal may end the process as it stands.
    if (which == os::StopSignal::repeated) {
      base::log::warn("second signal: ending at once");
      std::_Exit(std::to_underlying(ExitCode::failed));
    }
    const std::scoped_lock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stop_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
};

// Fencing between two writers rests on conditional puts. Asked once per bucket, then remembered: a start costs no
// request.
void check_store(storage::ObjectStore& store, engine::Engine& engine, const std::stop_token& stop) {
  const std::string name = "conditional_put " + store.display_url();
  if (const auto known = engine.ledger().recall(name); known && *known == "honoured") return;
  const base::SteadyTime limit = base::system_clock().steady_now() + std::chrono::seconds(30);
  const auto answer = storage::probe_conditional_put(store, "databases/", {limit, stop});
  if (!answer) {
    if (answer.error().category == base::Category::cancelled && stop.stop_requested()) return;
    base::log::error("bucket cannot be written", {{"bucket", store.display_url()}, {"reason", answer.error()}});
    return engine.board().set_notice("bucket", "The bucket could not be written at start: " + answer.error().message);
  }
  if (auto kept = engine.ledger().remember(name, storage::to_string(*answer)); !kept) {
    base::log::warn("state database", {{"reason", kept.error()}});
  }
  if (*answer == storage::ConditionalPut::honoured) return;
  base::log::error("the store does not honour conditional puts: a second writer on this bucket would not be noticed",
                   {{"bucket", store.display_url()}, {"answer", storage::to_string(*answer)}});
  engine.board().set_notice("bucket",
                            "This store does not honour conditional puts (If-None-Match): make sure that no other "
                            "writer uses this bucket and prefix.");
}

// Declared in the order in which the parts need each other; stop() takes them down in the right order.
struct Daemon {
  os::FileCloser closer;
  std::unique_ptr<os::DirectoryWatcher> watcher;
  std::unique_ptr<fleet::WatcherStream> stream;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<storage::ObjectStore> store;  // gone before the engine: its callbacks post to clients
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<web::WebServer> web;
  std::jthread store_check;

  base::Result<> start(const Options& options);
  std::vector<std::string> stop(const Options& options);
};

base::Result<> Daemon::start(const Options& options) {
  TRY_ASSIGN(store, open_store(options.store));
  os::WatcherOptions watching;
  watching.companion_to_open = fleet::companion_to_open;
  watching.closer = &closer;
  TRY_ASSIGN(watcher, os::make_directory_watcher(std::move(watching)));
  stream = std::make_unique<fleet::WatcherStream>(*watcher);

  engine::EngineConfig config;
  config.state_directory = state_directory(options);
  config.bucket_text = options.store.bucket;
  TRY_ASSIGN(config.store_address, address_of(options.store));
  config.client.sync_interval = options.sync_interval;
  config.client.switch_to_wal = !options.no_wal_switch;
  TRY_ASSIGN(engine, engine::Engine::start(std::move(config), *store, *stream, closer, base::system_clock()));

  fleet::FleetOptions discovery;
  discovery.watch_dirs = options.watch_dirs;
  discovery.state_directory = state_directory(options);
  TRY_ASSIGN(fleet, fleet::Fleet::start(std::move(discovery), *watcher, *stream, closer, *engine));

  web::WebOptions serving;
  serving.bind = options.bind;
  serving.port = options.port;
  serving.version = version();
  TRY_ASSIGN(web, web::WebServer::start(engine->board(), std::move(serving)));
  base::log::info("dashboard", {{"address", web->url()}});
  store_check = std::jthread([this](const std::stop_token& stop) { check_store(*store, *engine, stop); });
  base::log::info("ready", {{"bucket", store->display_url()}, {"databases", fleet->size()}});
  return {};
}

std::vector<std::string> Daemon::stop(const Options& options) {
  std::vector<std::string> left;
  if (fleet) {
    fleet->sweep_now();
    left = engine->flush(options.shutdown_timeout);
    fleet->stop();
  }
  store_check.request_stop();
  if (store_check.joinable()) store_check.join();
  if (web) web->stop();
  if (engine) engine->stop();
  fleet.reset();
  web.reset();
  store.reset();
  engine.reset();
  return left;
}

}  // namespace

int run_daemon(const Options& options) {
  os::limit_memory_pools();
  StopRequest request;
  auto signals = os::SignalWaiter::start([&](os::StopSignal which) { request.signal(which); });
  if (!signals) {
    base::log::error("cannot start", {{"reason", signals.error()}});
    return std::to_underlying(ExitCode::failed);
  }
  base::log::info("litestream-manager",
                  {{"version", version()}, {"sqlite", sqlite::library_version()}, {"pid", os::process_id()}});
  Daemon daemon;
  if (auto started = daemon.start(options); !started) {
    base::log::error("cannot start", {{"reason", started.error()}});
    daemon.stop(options);
    return std::to_underlying(ExitCode::failed);
  }
  request.wait();
  base::log::info("stopping, storing what is left");
  const std::vector<std::string> left = daemon.stop(options);
  for (const std::string& id : left) base::log::error("not stored completely", {{"client", id}});
  base::log::info("stopped", {{"unstored", left.size()}});
  return std::to_underlying(left.empty() ? ExitCode::done : ExitCode::failed);
}

}  // namespace cli
