#include "seed.h"

#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "daemon.h"
#include "plan.h"
#include "storage/keys.h"
#include "tenant.h"
#include "vfs.h"

namespace simulation {

namespace {

constexpr Nanos kTick = 20 * kMilli;                        // of the driver
constexpr Nanos kApplicationsMax = 100 * 86'400 * kSecond;  // longer than any plan
constexpr Nanos kSettleMax = 300 * kSecond;                 // everything is stored by then, once nothing fails
constexpr Nanos kFlushMax = 120 * kSecond;

class Run {
 public:
  Run(std::uint64_t seed, const SeedOptions& options)
      : seed_(seed), options_(options), plan_(draw_plan(seed)), machine_(seed), daemon_(bucket_, plan_) {
    if (options.lines) machine_.world.record_lines();
    machine_.fault = options.fault;
    machine_.world.stall_chance = plan_.stall_chance;
    machine_.world.stall_max = plan_.stall_max;
    bucket_.plan = plan_.store;
    bucket_.on_removed = [this](const std::string& key) { on_removed(key); };
    bucket_.on_stored = [this](const std::string& key, const base::Bytes& bytes) { on_stored(key, bytes); };
    sqlite3_randomness(0, nullptr);  // it begins anew, from the seed
    observe_commits([this](const std::string& database) {
      if (const auto it = by_database_.find(database); it != by_database_.end()) {
        it->second->history.observe(machine_.disk);
      }
    });
    for (std::size_t i = 0; i < plan_.tenants.size(); ++i) {
      tenants_.push_back(std::make_unique<Tenant>(i, plan_.tenants[i], plan_.application_faults));
      by_database_[tenants_.back()->database()] = tenants_.back().get();
      by_id_[tenants_.back()->id()] = tenants_.back().get();
    }
  }

  ~Run() {
    for (auto& tenant : tenants_) tenant->kill_all();
    daemon_.end();
    observe_commits({});
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Outcome run() {
    set_up();
    run_until([this] { return applications_done() && world().now() >= quiet_after_; }, kApplicationsMax);
    make_peace();
    run_until([this] { return applications_done(); }, world().now() + kApplicationsMax);
    settle();
    check_backups();
    stop_cleanly();
    return outcome();
  }

 private:
  World& world() { return machine_.world; }
  [[nodiscard]] bool well() { return world().violated().empty(); }

  [[nodiscard]] bool applications_done() const {
    return std::ranges::all_of(tenants_, [](const auto& tenant) { return tenant->done(); });
  }

  void set_up() {
    Random& random = world().random();
    if (plan_.power_cuts > 0) machine_.disk.plan_power_cuts();
    for (int i = 0; i < plan_.power_cuts; ++i) {
      world().at(random.between(0, 6 * kSecond), [this] { cut_power(); });
    }
    for (auto& tenant : tenants_) tenant->start();
    start_daemon_at_ = plan_.daemon.start_after;
    for (int i = 0; i < plan_.daemon.kills; ++i) {
      world().at(random.between(0, 6 * kSecond), [this] {
        if (!world().faults_over) daemon_.kill();
      });
    }
    for (int i = 0; i < plan_.daemon.clean_stops; ++i) {
      world().at(random.between(0, 6 * kSecond), [this] { clean_stop_wanted_ = true; });
    }
    for (const OutagePlan& outage : plan_.outages) {
      quiet_after_ = std::max(quiet_after_, outage.end);
      world().at(outage.begin, [this, outage] { bucket_.outage = outage.kind; });
      world().at(outage.end, [this] { bucket_.outage = Outage::none; });
    }
  }

  // Runs the world tick by tick, looking after the daemon and at what it says of itself.
  template <typename Done>
  bool run_until(Done done, Nanos limit) {
    while (well() && world().now() < limit) {
      if (done()) return true;
      // With everybody at rest the next thing may be hours away.
      world().run_until(world().now() + std::max(applications_done() ? 25 * kTick : kTick, plan_.tick));
      look_after_daemon();
      check_status();
    }
    return well() && done();
  }

  // What a dead one leaves; when the next one starts is decided.
  void clear_daemon_away() {
    if (!daemon_.exists() || daemon_.running()) return;
    collect_counters();
    daemon_.clear_away();
    start_daemon_at_ = world().now() + world().random().between(0, kSecond);
    if (plan_.daemon.state_is_lost && !std::exchange(state_was_lost_, true)) {
      start_daemon_at_ = world().now() + 5 * kSecond;  // what was sent has landed by then
      forget_state();
    }
  }

  void look_after_daemon() {
    if (!well()) return;
    clear_daemon_away();
    if (!daemon_.exists() && world().now() >= start_daemon_at_) {
      ++daemons_;
      daemon_.start();
    }
    if (clean_stop_wanted_ && daemon_.engine() != nullptr) {
      clean_stop_wanted_ = false;
      daemon_.begin_stop();
    }
    if (const auto* engine = daemon_.engine(); engine != nullptr) last_counters_ = daemon_.engine()->probe().snapshot();
  }

  void cut_power() {
    if (world().faults_over || !well()) return;
    // A daemon that takes itself apart cannot be killed here: a moment later.
    if (daemon_.process() != nullptr && daemon_.process()->ending) {
      return world().at(world().now() + kTick, [this] { cut_power(); });
    }
    ++power_cuts_;
    if (options_.lines) world().note("the power is cut");
    daemon_.kill();
    clear_daemon_away();
    for (auto& tenant : tenants_) tenant->kill_all();
    machine_.disk.power_cut();
    for (auto& tenant : tenants_) tenant->begin_again();
  }

  void forget_state() {
    std::vector<std::string> names;
    for (const auto& [path, inode] : machine_.disk.files()) {
      if (path.starts_with(kState)) names.push_back(path);
    }
    for (const std::string& name : names) machine_.disk.unlink(name);
    if (options_.lines) world().note("the state directory is lost");
  }

  void check_status() {
    if (!well() || daemon_.engine() == nullptr) return;
    const auto fleet = daemon_.engine()->board().fleet();
    for (const auto& client : fleet->clients) {
      const auto tenant = by_id_.find(client->client_id);
      if (tenant == by_id_.end()) continue;
      const std::uint64_t stored = tenant->second->history.newest_txid();
      if (client->txid > stored) {
        return world().violation(
            fmt::format("{} is shown as stored at {}, the bucket has {}", client->client_id, client->txid, stored));
      }
      if (client->state == engine::ClientState::conflict) {
        return world().violation("a conflict without another writer: " + client->detail);
      }
    }
    const auto limit = static_cast<std::uint64_t>(plan_.daemon.memory_limit_bytes) + (std::uint64_t{2} << 20);
    if (fleet->pending_bytes > limit) {
      world().violation(fmt::format("{} bytes wait in memory, the budget is {}", fleet->pending_bytes,
                                    plan_.daemon.memory_limit_bytes));
    }
  }

  // From here on nothing fails any more.
  void make_peace() {
    world().faults_over = true;
    bucket_.outage = Outage::none;
    world().run_until(world().now() + plan_.store.later_max);  // what was under way has landed
    look_after_daemon();
    if (!well()) return;
    for (auto& tenant : tenants_) tenant->last_visit();
  }

  [[nodiscard]] bool is_stored(Tenant& tenant) {
    auto now = Reading::published(machine_.disk, tenant.database());
    if (!now) now = Reading::recovered(machine_.disk, tenant.database());
    return !now || tenant.history.is_stored_as(*now);
  }

  [[nodiscard]] bool settled() {
    if (daemon_.engine() == nullptr) return false;
    const auto fleet = daemon_.engine()->board().fleet();
    const bool shown = std::ranges::all_of(fleet->clients, [](const auto& client) { return !client->behind; });
    return shown && std::ranges::all_of(tenants_, [this](const auto& tenant) { return is_stored(*tenant); });
  }

  void settle() {
    if (!well() || run_until([this] { return settled(); }, world().now() + kSettleMax) || !well()) return;
    std::string text = "not everything is stored five minutes after all faults are over";
    if (daemon_.engine() == nullptr) text += "; the daemon does not start: " + daemon_.trouble();
    if (daemon_.engine() != nullptr) {
      const auto fleet = daemon_.engine()->board().fleet();
      for (const auto& client : fleet->clients) {
        text += fmt::format("; {} is {}{}, txid {}, {}", client->client_id, engine::to_string(client->state),
                            client->behind ? ", behind" : "", client->txid, client->detail);
      }
    }
    world().violation(text);
  }

  void check_backups() {
    if (!well()) return;
    world().run_until(world().now() + 3 * kSecond);
    if (!well() || daemon_.process() == nullptr) return;
    if (const std::size_t locks = machine_.disk.locks_of(*daemon_.process(), kTenants); locks > 0) {
      return world().violation(fmt::format("{} locks are held on caught-up databases", locks));
    }
    Process judge;
    judge.pid = machine_.pids++;
    judge.faultless = true;
    Process* before = world().act_for(&judge);
    for (auto& tenant : tenants_) {
      if (!tenant->history.backup()) continue;
      const std::string path = "/simulated/restored.db";
      const int made = machine_.disk.open(judge, path, {.write = true, .create = true, .truncate = true});
      machine_.disk.write(*machine_.disk.at(made), 0, tenant->history.restored_file());
      machine_.disk.close(made);
      if (const std::string wrong = examine(path); !wrong.empty()) {
        world().violation("the restored " + tenant->id() + " is not whole: " + wrong);
      }
      for (const char* suffix : {"", "-wal", "-shm", "-journal"}) machine_.disk.unlink(path + suffix);
    }
    world().act_for(before);
  }

  void stop_cleanly() {
    if (!well() || daemon_.engine() == nullptr) return;
    daemon_.begin_flush();
    const Nanos limit = world().now() + kFlushMax;
    while (well() && !daemon_.unflushed().empty() && world().now() < limit) world().run_until(world().now() + kTick);
    if (well() && !daemon_.unflushed().empty()) {
      return world().violation("a flush of caught-up databases does not end");
    }
    if (!well()) return;
    daemon_.begin_stop();
    while (well() && daemon_.running() && world().now() < limit) world().run_until(world().now() + kTick);
    if (well() && daemon_.running()) world().violation("the daemon does not stop");
  }

  void on_stored(const std::string& key, const base::Bytes& bytes) {
    for (auto& tenant : tenants_) {
      const auto name = storage::parse_ltx_key(storage::KeyLayout::s3, "databases/" + tenant->id(), key);
      if (!name) continue;
      ++objects_;
      world().hash(name->level.value);
      // A commit may be published whose application has not made its next call yet.
      tenant->history.observe(machine_.disk);
      if (const std::string wrong = tenant->backup.on_object(*name, bytes, tenant->history); !wrong.empty()) {
        world().violation(tenant->id() + ": " + wrong);
      }
      return;
    }
    world().violation("an object of nobody: " + key);
  }

  void on_removed(const std::string& key) {
    const Backup::Promise promise{plan_.daemon.retention, !plan_.daemon.state_is_lost};
    for (auto& tenant : tenants_) {
      const auto name = storage::parse_ltx_key(storage::KeyLayout::s3, "databases/" + tenant->id(), key);
      if (!name) continue;
      const std::string wrong = tenant->backup.on_removed(*name, base::system_clock().unix_now(), promise);
      if (!wrong.empty()) world().violation(tenant->id() + ": " + wrong);
      return;
    }
    world().violation("what is no backup's is removed: " + key);
  }

  void collect_counters() { last_counters_ = {}; }

  Outcome outcome() {
    Outcome out;
    World& w = world();
    out.seed = seed_;
    out.violation = w.violated();
    out.trace_hash = w.trace_hash();
    out.plan = plan_.text();
    out.lines = w.lines();
    out.steps = w.steps;
    out.switches = w.switches;
    out.kills = w.kills;
    out.objects = objects_;
    out.daemons = daemons_;
    out.power_cuts = power_cuts_;
    out.overflows = daemon_.overflows();
    std::ranges::copy(w.faults, out.faults);
    out.virtual_seconds = static_cast<double>(w.now()) / kSecond;
    out.store = bucket_.counts;
    for (const auto& tenant : tenants_) {
      out.merged += tenant->backup.merged;
      out.snapshots += tenant->backup.snapshots;
      out.removed += tenant->backup.removed;
      out.states += tenant->history.states().size();
      out.applications.transactions += tenant->counts.transactions;
      out.applications.rollbacks += tenant->counts.rollbacks;
      out.applications.errors += tenant->counts.errors;
      out.applications.busy += tenant->counts.busy;
      out.applications.checkpoints += tenant->counts.checkpoints;
      out.applications.opens += tenant->counts.opens;
      out.applications.vacuums += tenant->counts.vacuums;
    }
    out.engine = last_counters_;
    return out;
  }

  const std::uint64_t seed_;
  const SeedOptions options_;
  const Plan plan_;
  Machine machine_;
  Bucket bucket_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::map<std::string, Tenant*, std::less<>> by_database_, by_id_;
  Daemon daemon_;
  Nanos start_daemon_at_ = 0, quiet_after_ = 0;
  bool clean_stop_wanted_ = false, state_was_lost_ = false;
  std::uint64_t objects_ = 0, daemons_ = 0, power_cuts_ = 0;
  engine::Counters last_counters_;
};

}  // namespace

Outcome run_seed(std::uint64_t seed, const SeedOptions& options) {
  register_vfs();
  return Run(seed, options).run();
}

}  // namespace simulation
