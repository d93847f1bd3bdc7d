#include "engine/upkeep.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kVisitsMax = 4;
constexpr std::uint64_t kBodiesMax = 16ULL << 20;  // waiting for the cache; more is left out
constexpr std::chrono::minutes kProofLasts{60};
constexpr std::chrono::hours kLongestSleep{6};  // a wall clock may have been set
constexpr std::uint32_t kPauseShiftMax = 7;     // about an hour
constexpr std::chrono::seconds kHeavyRetry{5};

// A name for this state database and its bucket that nothing else has: objects of the cache must not be taken for
// those of another.
std::string cache_owner(Ledger& ledger, const storage::ObjectStore& store) {
  const std::string name = "cache of " + store.display_url();
  if (auto known = ledger.recall(name); known && !known->empty()) return *known;
  std::string owner = base::random_hex(32);
  if (!ledger.remember(name, owner)) return base::random_hex(32);
  return owner;
}

}  // namespace

Upkeep::Upkeep(UpkeepContext context)
    : context_(std::move(context)),
      cache_(context_.state_directory / "cache.db", cache_owner(*context_.ledger, *context_.store),
             context_.options.cache_bytes_max),
      shared_{*context_.ledger,
              *context_.store,
              cache_,
              *context_.clock,
              *context_.probe,
              context_.options,
              context_.staging_directory,
              [this](std::move_only_function<void()> answer) { post(std::move(answer)); },
              {}},
      remover_(std::make_shared<Remover>(
          shared_,
          Remover::Listener{.notice = [this](std::string text) { context_.notice("retention", std::move(text)); },
                            .pins_changed = [this](const auto& clients) { pins_changed(clients); },
                            .removed = [this](std::int64_t row) { removed(row); }})) {
  if (context_.holdings != nullptr) holdings_.emplace(*context_.ledger, *context_.holdings, *context_.clock);
  seed_clock();
  load_unsettled();
}

void Upkeep::post(std::move_only_function<void()> answer) {
  inbox_.with([&](Inbox& inbox) { inbox.answers.push_back(std::move(answer)); });
  context_.wake();
}

void Upkeep::stored(std::int64_t row, const base::DatabaseId& id, const history::Object& object,
                    std::shared_ptr<const storage::Body> body) {
  if (object.size_bytes > ObjectCache::kObjectBytesMax) body.reset();
  inbox_.with([&](Inbox& inbox) {
    if (inbox.body_bytes + object.size_bytes > kBodiesMax) body.reset();
    if (body) inbox.body_bytes += object.size_bytes;
    inbox.stored.push_back({row, id, object, std::move(body)});
  });
  context_.wake();
}

void Upkeep::set_policy(std::int64_t row, NewPolicy policy) {
  inbox_.with([&](Inbox& inbox) { inbox.policies.emplace_back(row, std::move(policy)); });
  context_.wake();
}

void Upkeep::halt(std::int64_t row) {
  inbox_.with([&](Inbox& inbox) { inbox.halted.emplace_back(row, true); });
  context_.wake();
}

void Upkeep::resume(std::int64_t row) {
  inbox_.with([&](Inbox& inbox) { inbox.halted.emplace_back(row, false); });
  context_.wake();
}

void Upkeep::list_anew(std::int64_t row) {
  inbox_.with([&](Inbox& inbox) { inbox.doubted.push_back(row); });
  context_.wake();
}

// What waits to be cached is of the time before, too.
void Upkeep::forget_bytes(const base::DatabaseId& id) {
  inbox_.with([&](Inbox& inbox) {
    inbox.forgotten.push_back(id);
    for (Stored& stored : inbox.stored) {
      if (stored.id == id) stored.body.reset();
    }
  });
  context_.wake();
}

void Upkeep::wind_down() {
  inbox_.with([](Inbox& inbox) { inbox.winding_down = true; });
  context_.wake();  // what is doubted has to be written down
}

void Upkeep::load_unsettled() {
  InventoryTable& inventory = context_.ledger->inventory();
  auto writing = inventory.unsettled(ObjectState::writing);
  if (!writing) return base::log::warn("state database", {{"reason", writing.error()}});
  for (const UnsettledObject& item : *writing) clients_[item.row].unsettled.push_back(item.object);
  auto deleting = inventory.clients_with(ObjectState::deleting);
  if (!deleting) return base::log::warn("state database", {{"reason", deleting.error()}});
  for (const std::int64_t row : *deleting) clients_[row].given_up = true;
  for (const auto& [row, client] : clients_) enqueue(row);
}

void Upkeep::take_mail() {
  Inbox mail = inbox_.with([](Inbox& inbox) {
    Inbox taken = std::move(inbox);
    inbox = {};
    inbox.winding_down = taken.winding_down;
    return taken;
  });
  winding_down_ = mail.winding_down;
  for (const base::DatabaseId& id : mail.forgotten) cache_.drop(id.value);
  std::vector<CachedObject> cached;
  for (const Stored& stored : mail.stored) {
    if (!stored.body) {  // and no other bytes have its name
      cache_.drop(stored.id.value, std::vector{history::name_of(stored.object)});
      continue;
    }
    CachedObject object{stored.id.value, history::name_of(stored.object), base::Bytes(stored.body->size_bytes())};
    if (stored.body->read_at(0, object.bytes)) cached.push_back(std::move(object));
  }
  cache_.put(cached);
  if (!mail.policies.empty()) take_policies(mail.policies);
  for (const Stored& stored : mail.stored) note_stored(stored);
  for (const auto& [row, halted] : mail.halted) set_halted(row, halted);
  doubted_.insert(mail.doubted.begin(), mail.doubted.end());
  for (auto& answer : mail.answers) answer();
}

void Upkeep::take_policies(std::vector<std::pair<std::int64_t, NewPolicy>>& policies) {
  const base::UnixMillis now = context_.clock->unix_now();
  std::vector<InventoryTable::WantedPolicy> wanted;
  wanted.reserve(policies.size());
  for (auto& [row, policy] : policies) {
    wanted.push_back({row, history::fingerprint(policy->retention), now + spread_of(row)});
    const auto client = clients_.find(row);
    // What an older policy gave up may be wanted by this one.
    const bool other = policies_.contains(row) && policies_[row]->retention != policy->retention;
    if (policy->paused || policy->retention.off || other) remover_->give_back(row);
    policies_[row] = std::move(policy);
    if (client != clients_.end() && client->second.held) enqueue(row);
  }
  if (auto expected = context_.ledger->inventory().expect_policies(wanted); !expected) {
    base::log::warn("state database", {{"reason", expected.error()}});
  }
  looked_for_due_ = {};
}

const ClientPolicy* Upkeep::policy_of(std::int64_t row) const {
  const auto found = policies_.find(row);
  return found == policies_.end() ? nullptr : found->second.get();
}

void Upkeep::set_halted(std::int64_t row, bool halted) {
  Client& client = clients_[row];
  if (halted) remover_->give_back(row);
  if (!std::exchange(client.halted, halted) || halted) return;
  client.proven.reset();
  enqueue(row);
}

// Never under a visit, which would plan with what is left, nor while the store is asked to remove some of it: a listing
// might still show that; when nothing goes on any more, at once. What only waits to be removed was planned with a wrong
// inventory.
void Upkeep::distrust_doubted() {
  std::erase_if(doubted_, [&](std::int64_t row) {
    Client& client = clients_[row];
    if (!winding_down_ && (client.active || remover_->asks_for(row))) return false;
    remover_->give_back(row);
    auto distrusted = client.given_up ? reconsider_given_up(row) : base::Result<>();
    if (distrusted) distrusted = context_.ledger->inventory().distrust(row);
    if (!distrusted) {
      base::log::warn("state database", {{"reason", distrusted.error()}});
      return true;  // the next audit finds it again
    }
    client.due = {};
    enqueue(row);
    return true;
  });
}

void Upkeep::note_stored(const Stored& stored) {
  Client& client = clients_[stored.row];
  client.proven = context_.clock->steady_now();
  if (const auto guid = parse_guid(stored.id.value); guid && holdings_) {
    const bool known = context_.holdings->find(*guid).has_value();
    context_.holdings->add(*guid, stored.object);
    if (!known) look_at_holdings(stored.row);
  }
  if (!client.due.after(stored.object)) return;
  if (client.active) {
    client.again = true;
  } else {
    enqueue(stored.row);
  }
}

void Upkeep::enqueue(std::int64_t row) {
  Client& client = clients_[row];
  if (client.queued || client.active || client.halted) return;
  const ClientPolicy* policy = policy_of(row);
  client.held = policy == nullptr || policy->paused;
  if (client.held) return;
  client.queued = true;
  queue_.push_back(row);
}

void Upkeep::delay(std::int64_t row, milliseconds by) {
  delayed_.emplace(context_.clock->steady_now() + by, row);
  clients_[row].queued = true;  // until its time has come
}

void Upkeep::queue_due() {
  const base::SteadyTime now = context_.clock->steady_now();
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const std::int64_t row = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    clients_[row].queued = false;
    enqueue(row);
  }
  if (looked_for_due_ > now) return;
  const std::size_t wanted = due_wanted();
  if (wanted == 0) return;
  const base::UnixMillis wall = context_.clock->unix_now();
  auto due = context_.ledger->inventory().due_clients(wall, wanted);
  if (!due) {
    base::log::warn("state database", {{"reason", due.error()}});
    looked_for_due_ = now + kFirstPause;
    return;
  }
  for (const std::int64_t row : *due) {
    plan_next_look(row, wall + kRetentionEvery);  // if the visit does not come to an end
    const ClientPolicy* policy = policy_of(row);
    if (clients_[row].halted || (policy != nullptr && policy->retention.off)) {
      plan_next_look(row, std::nullopt, policy);
      continue;
    }
    clients_[row].retention_due = true;
    enqueue(row);
  }
}

void Upkeep::plan_next_look(std::int64_t row, std::optional<base::UnixMillis> due, const ClientPolicy* policy) {
  std::optional<std::int64_t> said_by;
  if (policy != nullptr) said_by = history::fingerprint(policy->retention);
  if (auto set = context_.ledger->inventory().set_due(row, due, said_by); !set) {
    base::log::warn("state database", {{"reason", set.error()}});
  }
  looked_for_due_ = {};
}

void Upkeep::start_visits() {
  while (!winding_down_ && visits_.size() < kVisitsMax && !queue_.empty()) {
    const std::int64_t row = queue_.front();
    queue_.pop_front();
    Client& client = clients_[row];
    client.queued = false;
    const ClientPolicy* policy = policy_of(row);
    client.held = policy == nullptr || policy->paused;
    if (!client.halted && !client.held) start_visit(row, *policy);
  }
}

void Upkeep::start_visit(std::int64_t row, const ClientPolicy& policy) {
  const base::SteadyTime now = context_.clock->steady_now();
  Client& client = clients_[row];
  VisitRequest request;
  request.row = row;
  request.owned = client.proven && now - *client.proven < kProofLasts;
  request.retention = !client.given_up && wants_retention(row, client, policy);
  if (request.retention && removal_room() < context_.options.removals_share) {
    request.retention = false;
    client.retention_due = client.crowded = true;
  }
  request.removals_max = context_.options.removals_share;
  request.policy = policy.retention;
  request.heavy_allowed = std::ranges::none_of(visits_, [](const auto& visit) { return visit->heavy(); });
  request.now = request.retention ? retention_now() : base::UnixMillis{0};
  request.unsettled = client.unsettled;
  client.active = true;
  client.again = false;
  visits_.push_back(std::make_unique<UpkeepVisit>(shared_, std::move(request)));
}

bool Upkeep::run_visits() {
  bool more = false;
  for (auto& visit : visits_) {
    // Not even a request that could still be held back.
    if (clients_[visit->row()].halted) {
      clients_[visit->row()].active = false;
      visit.reset();
      continue;
    }
    if (visit->step()) more = true;
    if (!visit->finished()) continue;
    end_visit(*visit);
    visit.reset();
    more = true;
  }
  std::erase(visits_, nullptr);
  return more;
}

void Upkeep::end_visit(UpkeepVisit& visit) {
  const std::int64_t row = visit.row();
  Client& client = clients_[row];
  client.active = false;
  VisitReport& report = visit.report();
  if (report.proven) client.proven = context_.clock->steady_now();
  look_at_holdings(row);
  if (report.error) return failed(row, visit);
  client.failures = 0;
  client.unsettled.clear();
  if (const auto guid = parse_guid(visit.client().value); guid && holdings_) context_.holdings->note_success(*guid);
  give_up(row, visit);
  if (std::exchange(client.crowded, false)) plan_next_look(row, context_.clock->unix_now());
  if (report.wants_heavy) return delay(row, kHeavyRetry);
  if (report.again || client.again) return enqueue(row);
  client.due = report.due;
}

void Upkeep::failed(std::int64_t row, UpkeepVisit& visit) {
  Client& client = clients_[row];
  const base::Error& error = *visit.report().error;
  client.unsettled = std::move(visit.report().unsettled);
  bump(context_.probe->upkeep_failures);
  if (const auto guid = parse_guid(visit.client().value); guid && holdings_) {
    context_.holdings->note_failure(*guid, error.message, context_.clock->unix_now());
  }
  if (error.category == base::Category::conflict) {
    client.halted = true;
    base::log::error("nothing is merged or removed any more", {{"client", visit.client().value}, {"reason", error}});
    return;
  }
  base::log::warn("upkeep of a database failed, will be repeated",
                  {{"client", visit.client().value}, {"reason", error}});
  delay(row, kFirstPause * (1U << std::min(client.failures++, kPauseShiftMax)));
}

void Upkeep::look_at_holdings(std::int64_t row) {
  if (holdings_) holdings_->look_at(row);
}

void Upkeep::count_cache() {
  context_.probe->cache_hits.store(cache_.counts().hits, std::memory_order_relaxed);
  context_.probe->cache_misses.store(cache_.counts().misses, std::memory_order_relaxed);
}

std::optional<base::SteadyTime> Upkeep::next_timer() {
  const base::SteadyTime now = context_.clock->steady_now();
  std::optional<base::SteadyTime> next;
  const auto at = [&](base::SteadyTime time) { next = next ? std::min(*next, time) : time; };
  if (!delayed_.empty()) at(delayed_.begin()->first);
  if (due_wanted() == 0) return next;  // until a visit has ended or something is gone
  if (looked_for_due_ <= now) {
    const auto due = context_.ledger->inventory().next_due();
    const bool none = !due || !*due;
    const milliseconds wait = none ? kLongestSleep : **due - context_.clock->unix_now();
    looked_for_due_ = now + std::clamp<milliseconds>(wait, milliseconds(0), kLongestSleep);
    if (none) return next;
  }
  at(looked_for_due_);
  return next;
}

std::optional<base::SteadyTime> Upkeep::step() {
  take_mail();
  distrust_doubted();
  if (winding_down_) return std::nullopt;
  take_pins();
  queue_due();
  start_visits();
  const bool more = run_visits();
  const auto removal = remover_->step();
  count_cache();
  const bool unread = holdings_ && holdings_->step(context_.options.slice);
  if (more || unread || (!queue_.empty() && visits_.size() < kVisitsMax)) return context_.clock->steady_now();
  auto next = next_timer();
  if (removal) next = next ? std::min(*next, *removal) : *removal;
  return next;
}

bool Upkeep::at_rest() {
  return (winding_down_ || queue_.empty()) && visits_.empty() && !remover_->busy() && !pin_reading_ &&
         inbox_.with([](const Inbox& inbox) { return inbox.stored.empty() && inbox.answers.empty(); });
}

}  // namespace engine
