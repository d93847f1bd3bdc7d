#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "os/memory.h"
#include "storage/probe.h"

namespace engine {

namespace {

constexpr std::chrono::milliseconds kFlushPoll{5};
constexpr std::size_t kBackgroundThreads = 2;  // each may take what a restore takes
constexpr std::chrono::minutes kBillSavedEvery{1};
constexpr char kBillName[] = "bill";

unsigned worker_count(unsigned wanted) {
  return wanted > 0 ? wanted : std::max(2U, std::thread::hardware_concurrency());
}

base::Error state_directory_error(const base::Error& error, const std::filesystem::path& directory) {
  return error.with_context("state directory " + directory.string() +
                            " cannot be used; name a writable one with -state-dir DIR");
}

}  // namespace

Engine::Engine(EngineConfig config, storage::ObjectStore& store, EventStream& stream, os::FileCloser& closer,
               const base::Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      memory_(config_.memory_limit_bytes),
      base_jobs_(static_cast<std::int32_t>(worker_count(config_.workers)) * 2),
      bill_(std::make_shared<Bill>(clock)),
      holdings_(std::make_unique<HoldingsBook>(*bill_, [this] { board_->touch(); })),
      client_store_(std::make_unique<MeteredStore>(store, *bill_, MeteredStore::User::clients)),
      upkeep_store_(std::make_unique<MeteredStore>(store, *bill_, MeteredStore::User::upkeep)),
      board_(std::make_unique<StatusBoard>(config_.bucket_text, config_.store_address, probe_, memory_, store,
                                           clock.unix_now(), *bill_, *holdings_)) {
  if (config_.prices) bill_->set_prices(*config_.prices);
  context_.clock = &clock;
  context_.store = client_store_.get();
  context_.closer = &closer;
  context_.stream = &stream;
  context_.probe = &probe_;
  context_.memory = &memory_;
  context_.base_jobs = &base_jobs_;
  context_.run_began = clock.unix_now();
  context_.options = config_.client;
  context_.options.staging_directory = config_.state_directory / "staging";
  context_.in_background = [this](auto job) {
    background_->post([job = std::move(job), stop = background_stop_.get_token()]() mutable { job(stop); });
  };
  context_.takeover_answered = [this](const base::DatabaseId& id) {
    if (auto closed = close_takeover_request(config_.state_directory, id); !closed) {
      base::log::error("a takeover request cannot be removed; it would be granted again at the next start",
                       {{"client", id.value}, {"reason", closed.error()}});
    }
  };
  context_.publish = [this](std::shared_ptr<const ClientStatus> status) { board_->put(std::move(status)); };
}

std::string conditions_record(const storage::ObjectStore& store) {
  return "conditional_put " + store.display_url();
}

base::Result<std::unique_ptr<Engine>> Engine::start(EngineConfig config, storage::ObjectStore& store,
                                                    EventStream& stream, os::FileCloser& closer,
                                                    const base::Clock& clock) {
  std::unique_ptr<Engine> engine(new Engine(std::move(config), store, stream, closer, clock));
  const auto& directory = engine->config_.state_directory;
  const auto prepare = [&]() -> base::Result<> {
    TRY(os::make_directories(engine->context_.options.staging_directory));
    TRY(os::make_directories(engine->takeover_inbox()));
    TRY_ASSIGN(engine->lock_, os::ExclusiveFileLock::acquire(directory / "lock"));
    TRY_ASSIGN(engine->ledger_, engine->open_ledger(directory / "state.db"));
    TRY(engine->ledger_->bind_to_bucket(store.display_url()));
    TRY_ASSIGN(const std::string bill, engine->ledger_->recall(kBillName));
    engine->bill_->restore(bill);
    TRY_ASSIGN(const std::string conditions, engine->ledger_->recall(conditions_record(store)));
    engine->context_.late_uploads_overwrite =
        !conditions.empty() && conditions != storage::to_string(storage::ConditionalPut::honoured);
    return {};
  };
  if (auto prepared = prepare(); !prepared) return base::fail(state_directory_error(prepared.error(), directory));
  engine->context_.ledger = engine->ledger_.get();
  engine->accept_takeovers();
  engine->background_ = std::make_unique<storage::WorkerPool>(kBackgroundThreads);
  engine->scheduler_ = std::make_unique<Scheduler>(worker_count(engine->config_.workers));
  engine->start_upkeep();
  return engine;
}

void Engine::start_upkeep() {
  upkeep_scheduler_ = std::make_unique<Scheduler>(1U);
  upkeep_task_ = upkeep_scheduler_->add([this] { return step_upkeep(); });
  UpkeepContext upkeep;
  upkeep.ledger = ledger_.get();
  upkeep.store = upkeep_store_.get();
  upkeep.clock = &clock_;
  upkeep.probe = &probe_;
  upkeep.options = config_.upkeep;
  upkeep.state_directory = config_.state_directory;
  upkeep.staging_directory = context_.options.staging_directory;
  upkeep.wake = [this] { upkeep_scheduler_->wake(upkeep_task_); };
  upkeep.notice = [this](const std::string& topic, std::string text) { board_->set_notice(topic, std::move(text)); };
  upkeep.holdings = holdings_.get();
  upkeep_ = std::make_unique<Upkeep>(std::move(upkeep));
  context_.upkeep = upkeep_.get();
  upkeep_scheduler_->wake(upkeep_task_);  // what an earlier run left, and the timer
}

// The bill is written down on this thread, which each stored object wakes: at most once a minute, and once after the
// last request.
std::optional<base::SteadyTime> Engine::step_upkeep() {
  auto next = upkeep_->step();
  if (!bill_->unsaved()) return next;
  const base::SteadyTime now = clock_.steady_now();
  if (now - bill_saved_ >= kBillSavedEvery) {
    bill_saved_ = now;
    save_bill();
    return next;
  }
  const base::SteadyTime due = bill_saved_ + kBillSavedEvery;
  return next ? std::min(*next, due) : due;
}

void Engine::save_bill() {
  if (auto kept = ledger_->remember(kBillName, bill_->save()); !kept) {
    base::log::warn("state database", {{"reason", kept.error()}});
  }
}

// A fleet without backups because of a damaged notebook would be the greater harm: it is kept for whoever wants to
// know.
base::Result<std::unique_ptr<Ledger>> Engine::open_ledger(const std::filesystem::path& file) {
  auto opened = Ledger::open(file);
  if (opened || opened.error().category != base::Category::corrupt) return opened;
  TRY_ASSIGN(const std::filesystem::path kept, Ledger::set_aside(file, clock_.unix_now()));
  base::log::error("the state database is damaged; a new one begins and every database is compared with the bucket",
                   {{"reason", opened.error()}, {"kept", kept.string()}});
  board_->set_notice("state", "The state database was damaged. It was kept as " + kept.string() +
                                  ", and every database is compared with the bucket. Look for failing storage.");
  return Ledger::open(file);
}

Engine::~Engine() {
  stop();
}

base::Result<Client*> Engine::add(const base::DatabaseId& id, const std::filesystem::path& path, NewPolicy policy) {
  TRY_ASSIGN(ClientRecord record, ledger_->find_or_create(id, path.string(), clock_.unix_now()));
  TRY(grant_before_start(record));
  auto slot = std::make_unique<Slot>();
  Slot* raw = slot.get();
  raw->task = scheduler_->add([raw] { return raw->client->step(); });
  if (!policy) policy = default_policy();
  raw->client = std::make_unique<Client>(std::move(record), context_, std::move(policy),
                                         [this, raw] { scheduler_->wake(raw->task); });
  const std::scoped_lock lock(clients_mutex_);
  clients_[id.value] = std::move(slot);
  return raw->client.get();
}

NewPolicy Engine::default_policy() const {
  return {NewPolicy(), &context_.options};  // not owned
}

base::Result<> Engine::set_absent_policies(const PolicyOfAbsent& policy_of) {
  TRY_ASSIGN(const std::vector<ClientRecord> known, ledger_->load_all());
  for (const ClientRecord& record : known) {
    {
      const std::scoped_lock lock(clients_mutex_);
      if (clients_.contains(record.id.value)) continue;
    }
    NewPolicy policy = policy_of ? policy_of(record.id, record.path) : default_policy();
    if (policy) upkeep_->set_policy(record.row, std::move(policy));
  }
  return {};
}

void Engine::accept_takeovers() {
  const auto requests = takeover_requests(config_.state_directory);
  if (!requests) return base::log::warn("takeover requests cannot be read", {{"reason", requests.error()}});
  const std::scoped_lock lock(clients_mutex_);
  for (const base::DatabaseId& id : *requests) {
    if (const auto found = clients_.find(id.value); found != clients_.end()) {
      found->second->client->post(Command::take_over);
    } else {
      takeovers_wanted_.insert(id.value);
    }
  }
}

// Whether there is a conflict is known only once something was tried: the client asks the bucket in any case.
base::Result<> Engine::grant_before_start(ClientRecord& record) {
  {
    const std::scoped_lock lock(clients_mutex_);
    if (takeovers_wanted_.erase(record.id.value) == 0) return {};
  }
  TRY(ledger_->start_over(record.row));
  upkeep_->forget_bytes(record.id);
  TRY_ASSIGN(record, ledger_->find_or_create(record.id, record.path, clock_.unix_now()));
  bump(probe_.takeovers);
  base::log::warn("goes on where the bucket ends, by the operator's word", {{"client", record.id.value}});
  context_.takeover_answered(record.id);
  return {};
}

void Engine::list_anew(std::int64_t row) {
  upkeep_->list_anew(row);
}

bool Engine::mend(const base::DatabaseId& id, Mend mend) {
  const auto status = board_->find(id.value);
  if (!status || status->state == ClientState::removed || status->state == ClientState::conflict) return false;
  const std::scoped_lock lock(clients_mutex_);
  const auto found = clients_.find(id.value);
  if (found == clients_.end()) return false;
  found->second->client->post(mend);
  return true;
}

void Engine::begin_flush() {
  const std::scoped_lock lock(clients_mutex_);
  for (auto& [id, slot] : clients_) slot->client->post(Command::flush);
}

std::vector<std::string> Engine::unflushed() const {
  std::vector<std::string> left;
  const std::scoped_lock lock(clients_mutex_);
  for (const auto& [id, slot] : clients_) {
    if (!slot->client->flushed()) left.push_back(id);
  }
  std::ranges::sort(left);
  return left;
}

bool Engine::may_yet_flush() const {
  const std::scoped_lock lock(clients_mutex_);
  return std::ranges::any_of(clients_, [](const auto& item) {
    const Client& client = *item.second->client;
    return !client.flushed() && !client.shut_out();
  });
}

void Engine::give_back_memory() {
  ledger_->release_cache();
  os::give_back_free_memory();
}

std::vector<std::string> Engine::flush(std::chrono::milliseconds timeout) {
  const base::SteadyTime deadline = clock_.steady_now() + timeout;
  if (upkeep_) upkeep_->wind_down();
  begin_flush();
  std::mutex pause_mutex;
  std::condition_variable pause;  // nobody signals it: clients are looked at every few milliseconds
  for (;;) {
    const bool worth_waiting = may_yet_flush() && clock_.steady_now() < deadline;
    std::vector<std::string> left = unflushed();
    if (!worth_waiting) return left;
    std::unique_lock lock(pause_mutex);
    pause.wait_for(lock, kFlushPoll);
  }
}

void Engine::stop() {
  if (!scheduler_) return;
  scheduler_->stop();
  if (upkeep_scheduler_) upkeep_scheduler_->stop();
  background_stop_.request_stop();
  background_.reset();
  if (ledger_) {
    if (bill_->unsaved()) save_bill();
    if (auto marked = ledger_->mark_clean(); !marked) {
      base::log::warn("state database could not be closed cleanly", {{"reason", marked.error()}});
    }
  }
}

}  // namespace engine
