#include "cli/daemon_command.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "cli/api_token.h"
#include "cli/client_policies.h"
#include "cli/exit_code.h"
#include "cli/open_store.h"
#include "cli/operation_queue.h"
#include "cli/operation_target.h"
#include "cli/reload.h"
#include "cli/version.h"
#include "engine/drills.h"
#include "engine/engine.h"
#include "engine/missing_restorer.h"
#include "engine/periodic_audit.h"
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

const std::string kReloadNotice = "configuration";

// What signals ask of the main thread, which waits for it here.
class Requests {
 public:
  enum class Next : std::uint8_t { stop, reload };

  void signal(os::StopSignal which) {
    // Everything that is stored is safe at any moment, so a second signal may end the process as it stands.
    if (which == os::StopSignal::repeated) {
      base::log::warn("second signal: ending at once");
      std::_Exit(std::to_underlying(ExitCode::failed));
    }
    ask(stop_);
  }
  void hang_up(bool can_reload) { ask(can_reload ? reload_ : stop_); }
  // Several wishes to read again are one.
  Next wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stop_ || reload_; });
    if (stop_) return Next::stop;
    reload_ = false;
    return Next::reload;
  }

 private:
  void ask(bool& what) {
    const std::scoped_lock lock(mutex_);
    what = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  bool reload_ = false;
};

fleet::PolicyOf policies_of(const Options& options) {
  auto policies = std::make_shared<ClientPolicies>(options.client, options.client_blocks);
  return [policies](const base::DatabaseId& id, std::string_view path) { return policies->of(id.value, path); };
}

// Fencing between two writers rests on conditional puts. Asked once per bucket, then remembered: a start costs no
// request.
void check_store(storage::ObjectStore& store, engine::Engine& engine, const std::stop_token& stop) {
  const std::string name = engine::conditions_record(store);
  if (const auto known = engine.ledger().recall(name); known && *known == "honoured") return;
  const base::SteadyTime limit = base::system_clock().steady_now() + std::chrono::seconds(30);
  const auto answer = storage::probe_conditional_put(
      store, "databases/", {limit, stop, engine.bill().charge(engine::Purpose::other, std::nullopt)});
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

bool has_a_bill(const storage::ObjectStore& store) {
  return store.layout() == storage::KeyLayout::s3;
}

// Declared in the order in which the parts need each other; stop() takes them down in the right order.
struct Daemon {
  os::FileCloser closer;
  std::unique_ptr<os::DirectoryWatcher> watcher;
  std::unique_ptr<fleet::WatcherStream> stream;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<storage::ObjectStore> store;  // gone before the engine: its callbacks post to clients
  std::unique_ptr<fleet::Fleet> fleet;
  std::unique_ptr<engine::Drills> drills;
  std::unique_ptr<engine::MissingRestorer> missing;
  std::unique_ptr<engine::PeriodicAudit> audit;
  std::unique_ptr<OperationQueue> operations;
  std::unique_ptr<web::WebServer> web;
  std::jthread store_check;

  base::Result<> start(const Options& options);
  void start_drills(const Options& options);
  void start_audit(const Options& options);
  void start_operations(const Options& options, web::WebOptions& serving);
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
  static_cast<engine::ClientPolicy&>(config.client) = options.client;
  if (has_a_bill(*store)) config.prices = options.prices;
  TRY_ASSIGN(engine, engine::Engine::start(std::move(config), *store, *stream, closer, base::system_clock()));

  fleet::FleetOptions discovery;
  discovery.watch_dirs = options.watch_dirs;
  if (!options.client_blocks.empty()) discovery.policy_of = policies_of(options);
  discovery.state_directory = state_directory(options);
  TRY_ASSIGN(fleet, fleet::Fleet::start(std::move(discovery), *watcher, *stream, closer, *engine));

  if (options.restore_missing) {
    missing = std::make_unique<engine::MissingRestorer>(engine::MissingOptions{}, *store, engine->ledger(),
                                                        engine->board(), engine->bill());
  }
  start_drills(options);
  start_audit(options);
  web::WebOptions serving;
  serving.bind = options.bind;
  serving.port = options.port;
  serving.version = version();
  start_operations(options, serving);
  TRY_ASSIGN(web, web::WebServer::start(engine->board(), std::move(serving)));
  base::log::info("dashboard", {{"address", web->url()}});
  store_check = std::jthread([this](const std::stop_token& stop) { check_store(*store, *engine, stop); });
  base::log::info("ready", {{"bucket", store->display_url()}, {"databases", fleet->size()}});
  return {};
}

void Daemon::start_drills(const Options& options) {
  engine::DrillOptions verifying;
  verifying.state_directory = state_directory(options);
  verifying.round = options.verify_every;
  if (auto begun = engine::Drills::start(std::move(verifying), *store, engine->board(), engine->bill(), closer)) {
    drills = *std::move(begun);
  } else {  // replication goes on without
    base::log::error("backups are not verified", {{"reason", begun.error()}});
    engine->board().set_notice("verification", "Backups are not verified: " + begun.error().message);
  }
}

void Daemon::start_audit(const Options& options) {
  engine::AuditOptions auditing;
  auditing.state_directory = state_directory(options);
  auditing.every = options.audit_every;
  audit = std::make_unique<engine::PeriodicAudit>(
      std::move(auditing), *store, engine->ledger(), engine->board(), engine->bill(), engine->probe(),
      engine::AuditHealer{
          .list_anew = [this](std::int64_t row) { engine->list_anew(row); },
          .mend = [this](const base::DatabaseId& id, engine::Mend mend) { return engine->mend(id, mend); }});
}

void Daemon::start_operations(const Options& options, web::WebOptions& serving) {
  const std::filesystem::path file = state_directory(options) / kApiTokenFile;
  auto token = load_api_token(file);
  if (!token) {  // everything else goes on without
    clear_downloads(state_directory(options));
    base::log::error("nothing can be started over the API", {{"reason", token.error()}});
    engine->board().set_notice("operations", "Nothing can be started from here: " + token.error().message);
    return;
  }
  OperationQueueOptions queue;
  queue.state_directory = state_directory(options);
  VerifyClient verify;
  if (drills) {
    verify = [this](const engine::ClientStatus& client, const std::stop_token& stop,
                    engine::OnDownloadProgress on_progress) {
      return drills->verify_now(client, stop, std::move(on_progress));
    };
  }
  operations =
      std::make_unique<OperationQueue>(std::move(queue), *store, engine->board(), engine->bill(), std::move(verify));
  serving.operations = operations.get();
  serving.token = *std::move(token);
  serving.token_file = std::filesystem::absolute(file).string();
  base::log::info("token of the API", {{"file", serving.token_file}});
}

std::vector<std::string> Daemon::stop(const Options& options) {
  std::vector<std::string> left;
  // Two of them may be in the middle of a large database: what is committed is stored first. All use store and engine.
  if (missing) missing->begin_stop();
  if (operations) operations->begin_stop();
  std::jthread winding_down([this] {
    audit.reset();
    if (operations) operations->stop();  // the web server still shows what became of them
    drills.reset();
    missing.reset();
  });
  if (fleet) {
    fleet->sweep_now();
    left = engine->flush(options.shutdown_timeout);
  }
  winding_down.join();
  if (fleet) fleet->stop();
  store_check.request_stop();
  if (store_check.joinable()) store_check.join();
  if (web) web->stop();
  if (engine) engine->stop();
  fleet.reset();
  web.reset();
  operations.reset();
  store.reset();
  engine.reset();
  return left;
}

// A mistake a line, as they were found; everything stays as it is.
void refuse_reload(const base::Error& error, engine::StatusBoard& board) {
  std::string_view rest = error.message;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    base::log::error("configuration not changed", {{"reason", line}});
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  board.set_notice(kReloadNotice, "The configuration could not be read again; the one before it holds. " +
                                      error.message.substr(0, error.message.find('\n')));
}

void apply(Reload plan, RunDaemon& running, Daemon& daemon) {
  const Options& options = plan.running.options;
  base::log::configure(options.log.level, options.log.format);
  if (has_a_bill(*daemon.store)) daemon.engine->bill().set_prices(options.prices);
  const bool directories = options.watch_dirs != running.options.watch_dirs;
  if (directories || plan.client_blocks_changed || options.client != running.options.client) {
    daemon.fleet->change({options.watch_dirs, policies_of(options)});
  }
  for (const SettingChange& change : plan.changed) {
    base::log::info(
        "setting changed",
        {{"name", change.name}, {"before", change.before}, {"after", change.after}, {"origin", change.origin}});
  }
  std::string names;
  for (const SettingChange& change : plan.postponed) {
    names += (names.empty() ? "" : ", ") + change.name;
    base::log::warn("setting does not change while we run, restart to apply it",
                    {{"name", change.name}, {"holds", change.before}, {"wanted", change.after}});
  }
  daemon.engine->board().set_notice(
      kReloadNotice, names.empty() ? "" : "The configuration has changes that need a restart to apply: " + names + ".");
  base::log::info("configuration read again", {{"changed", plan.changed.size()},
                                               {"clients", plan.client_blocks_changed ? "changed" : "unchanged"},
                                               {"postponed", plan.postponed.size()}});
  running = std::move(plan.running);
}

}  // namespace

int run_daemon(RunDaemon command, const std::function<base::Result<Command>()>& read_again) {
  const Options& options = command.options;
  os::limit_memory_pools();
  Requests requests;
  auto signals =
      os::SignalWaiter::start([&](os::StopSignal which) { requests.signal(which); },
                              [&, can_reload = !options.config_file.empty()] { requests.hang_up(can_reload); });
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
  while (requests.wait() == Requests::Next::reload) {
    const auto again = read_again();
    if (again) {
      apply(plan_reload(command, std::get<RunDaemon>(*again)), command, daemon);
    } else {
      refuse_reload(again.error(), daemon.engine->board());
    }
  }
  base::log::info("stopping, storing what is left");
  const std::vector<std::string> left = daemon.stop(options);
  for (const std::string& id : left) base::log::error("not stored completely", {{"client", id}});
  base::log::info("stopped", {{"unstored", left.size()}});
  return std::to_underlying(left.empty() ? ExitCode::done : ExitCode::failed);
}

}  // namespace cli
