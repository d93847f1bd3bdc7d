// When what is given up may go: retention's clock, due times, pins.
#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/upkeep.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kDueAtOnce = 16;
constexpr std::chrono::days kPinsLookedAt{7};  // at least, where some hold points: they may be taken away
constexpr milliseconds kSpread = std::chrono::minutes(50);
constexpr std::chrono::minutes kClockSavedEvery{1};
constexpr char kClockName[] = "retention clock";

}  // namespace

milliseconds Upkeep::spread_of(std::int64_t row) {
  const std::uint64_t mixed = static_cast<std::uint64_t>(row) * 0x9e3779b97f4a7c15U;
  return milliseconds((mixed >> 32) % static_cast<std::uint64_t>(kSpread.count()));
}

// Written down when it was last used; else the newest object tells how far time had come (retention_clock.h).
void Upkeep::seed_clock() {
  base::UnixMillis seed = context_.clock->unix_now();
  if (const auto text = context_.ledger->recall(kClockName); text && !text->empty()) {
    seed = base::UnixMillis{std::strtoll(text->c_str(), nullptr, 10)};
  } else if (const auto newest = context_.ledger->newest_replication(); newest && *newest) {
    seed = **newest;
  }
  retention_clock_.emplace(seed);
  clock_advanced_ = context_.clock->steady_now();
}

base::UnixMillis Upkeep::retention_now() {
  const base::SteadyTime now = context_.clock->steady_now();
  retention_clock_->advance(context_.clock->unix_now(),
                            std::chrono::duration_cast<milliseconds>(now - clock_advanced_));
  clock_advanced_ = now;
  if (now - clock_saved_ < kClockSavedEvery) return retention_clock_->now();
  clock_saved_ = now;
  const auto lead = std::chrono::duration_cast<std::chrono::hours>(retention_clock_->suspicious_lead());
  context_.notice("retention clock",
                  lead.count() == 0 ? ""
                                    : "This machine's clock is " + std::to_string(lead.count()) +
                                          " hours ahead of the newest backups. Retention follows it slowly; if the "
                                          "clock is wrong, mend it.");
  const std::string text = std::to_string(retention_clock_->now().count());
  if (auto kept = context_.ledger->remember(kClockName, text); !kept) {
    base::log::warn("state database", {{"reason", kept.error()}});
  }
  return retention_clock_->now();
}

// At its due time; a client that has none is looked at now and then, because something was stored since.
bool Upkeep::wants_retention(std::int64_t row, const Client& client, const ClientPolicy& policy) {
  if (policy.retention.off || remover_->stopped()) return false;
  if (client.retention_due) return true;
  if (client.retained && context_.clock->steady_now() - *client.retained < kRetentionEvery) return false;
  const auto due = context_.ledger->inventory().due(row);
  return due && !*due;
}

// To the remover, unless what was planned is not what is wanted any more.
void Upkeep::give_up(std::int64_t row, UpkeepVisit& visit) {
  Client& client = clients_[row];
  VisitReport& report = visit.report();
  const ClientPolicy* policy = policy_of(row);
  const bool permitted = policy != nullptr && !policy->paused && !policy->retention.off && !remover_->stopped();
  if (permitted && report.owned && client.given_up) settle_given_up(row, visit);
  if (report.wants_pins) read_pins(row);
  if (!report.retention_done) return;
  tell_lost_pins(row, visit);
  client.retained = context_.clock->steady_now();
  client.retention_due = false;
  const bool as_planned = policy != nullptr && policy->retention == visit.policy();
  remover_->add(row, visit.client(), report.removals);
  if (!permitted || !as_planned) remover_->give_back(row);
  std::optional<base::UnixMillis> next;
  if (report.next_due) {
    next = *report.next_due + spread_of(row);
    // By a clock that may be far behind this one, after a long stop: then once an hour until it has caught up.
    const base::UnixMillis wall = context_.clock->unix_now();
    if (*next <= wall) next = wall + kRetentionEvery;
  }
  if (report.holds_pins) {
    const base::UnixMillis latest = context_.clock->unix_now() + kPinsLookedAt;
    next = next ? std::min(*next, latest) : latest;
  }
  if (!as_planned || report.removals_left) next = context_.clock->unix_now();
  plan_next_look(row, next, policy);
}

// Shares of what may wait that are spoken for: by visits under way, and by clients whose turn is near. Each visit that
// retains has its own, so that what is planned always fits.
std::size_t Upkeep::crowd() const {
  const auto queued = std::ranges::count_if(queue_, [&](std::int64_t row) { return clients_.at(row).retention_due; });
  const auto visited = std::ranges::count_if(visits_, [](const auto& visit) { return visit && visit->retains(); });
  return static_cast<std::size_t>(queued + visited);
}

// How many clients whose time has come may be queued now.
std::size_t Upkeep::due_wanted() const {
  if (remover_->stopped() || queue_.size() > kDueAtOnce) return 0;
  const std::size_t shares = remover_->room() / context_.options.removals_share;
  return std::min(kDueAtOnce, shares - std::min(crowd(), shares));
}

std::size_t Upkeep::removal_room() const {
  const auto visited = std::ranges::count_if(visits_, [](const auto& visit) { return visit && visit->retains(); });
  const std::size_t taken = static_cast<std::size_t>(visited) * context_.options.removals_share;
  return remover_->room() - std::min(taken, remover_->room());
}

// That was decided without pins that may have come since.
void Upkeep::settle_given_up(std::int64_t row, UpkeepVisit& visit) {
  if (!shared_.pins.read) return read_pins(row);
  const bool pinned = !shared_.pins.of(visit.client()).empty();
  auto settled = pinned ? reconsider_given_up(row) : remove_given_up(row, visit);
  if (!settled) return base::log::warn("state database", {{"reason", settled.error()}});
  Client& client = clients_[row];
  client.retention_due = true;
  if (!client.given_up) {
    visit.report().again = true;
  } else if (!remover_->holds(row)) {
    client.crowded = true;
  }  // else it comes back when these are gone
}

void Upkeep::removed(std::int64_t row) {
  look_at_holdings(row);
  if (clients_[row].given_up && !remover_->holds(row)) enqueue(row);
}

// As many as fit, and the rest when these are gone: what is `deleting` of the client is either all with the remover or
// not at all known to it.
base::Result<> Upkeep::remove_given_up(std::int64_t row, UpkeepVisit& visit) {
  const std::size_t count = std::min(removal_room(), context_.options.removals_share);
  if (count == 0 || remover_->holds(row)) return {};
  TRY_ASSIGN(const auto unsettled, context_.ledger->inventory().unsettled(ObjectState::deleting, row, count));
  std::vector<history::Object> objects;
  objects.reserve(unsettled.size());
  for (const UnsettledObject& item : unsettled) objects.push_back(item.object);
  clients_[row].given_up = objects.size() == count;
  remover_->add(row, visit.client(), objects);
  return {};
}

// Where there are pins, the bucket says what is left, and it is decided anew.
base::Result<> Upkeep::reconsider_given_up(std::int64_t row) {
  if (remover_->holds(row)) return {};
  InventoryTable& inventory = context_.ledger->inventory();
  for (;;) {
    TRY_ASSIGN(const auto unsettled, inventory.unsettled(ObjectState::deleting, row, context_.options.removals_share));
    if (unsettled.empty()) break;
    TRY(inventory.distrust(row));
    TRY(inventory.forget(unsettled, InventoryTable::Gone::perhaps));
  }
  clients_[row].given_up = false;
  return {};
}

// The client comes back when they are known.
void Upkeep::read_pins(std::int64_t row) {
  clients_[row].retention_due = true;
  waiting_for_pins_.push_back(row);
  if (pin_reading_) return;
  pin_reading_ = std::make_shared<PinReading>(shared_);
  pin_reading_->step();
}

void Upkeep::take_pins() {
  if (!pin_reading_ || !pin_reading_->finished()) return;
  const auto reading = std::exchange(pin_reading_, nullptr);
  auto& pins = reading->result();
  const auto rows = std::exchange(waiting_for_pins_, {});
  if (!pins) {
    bump(context_.probe->upkeep_failures);
    base::log::warn("pinned restore points cannot be read; nothing is removed before", {{"reason", pins.error()}});
    context_.notice("pins", "Pinned restore points cannot be read, so nothing is removed: " + pins.error().message);
    for (const std::int64_t row : rows) plan_next_look(row, context_.clock->unix_now() + kFirstPause * 10);
    return;
  }
  context_.notice("pins", "");
  const auto changed = shared_.pins.changed(*pins);
  shared_.pins = std::move(*pins);
  pins_changed(changed);
  for (const std::int64_t row : rows) enqueue(row);
}

void Upkeep::pins_changed(const std::vector<base::DatabaseId>& clients) {
  for (const base::DatabaseId& id : clients) {
    const auto record = context_.ledger->find(id);
    if (!record) continue;  // of another host
    remover_->give_back(record->row);
    Client& client = clients_[record->row];
    client.retention_due = true;
    if (client.active) client.again = true;
    enqueue(record->row);
  }
}

void Upkeep::tell_lost_pins(std::int64_t row, UpkeepVisit& visit) {
  const std::vector<base::Txid>& lost = visit.report().lost_pins;
  const bool told_before = std::exchange(clients_[row].pins_lost, !lost.empty());
  const std::string topic = "pins " + visit.client().value;
  if (lost.empty()) {
    if (told_before) context_.notice(topic, "");
    return;
  }
  std::string text = "Of " + visit.client().value + " these pinned restore points cannot be restored:";
  for (const base::Txid txid : lost) text += " " + base::hex16(txid.value);
  context_.notice(topic, text + ". The next older point of each is kept in its place; take the pins away with unpin.");
}

}  // namespace engine
