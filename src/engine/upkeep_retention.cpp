// When what is given up may go: retention's clock, due times, pins.
#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/upkeep.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

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
  if (permitted && report.owned && !client.given_up.empty()) settle_given_up(row, visit);
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
  if (!as_planned) next = context_.clock->unix_now();
  plan_next_look(row, next, policy);
}

// That was decided without pins that may have come since. Where there are some, the bucket says what is left, and it
// is decided anew.
void Upkeep::settle_given_up(std::int64_t row, UpkeepVisit& visit) {
  if (!shared_.pins.read) return read_pins(row);
  Client& client = clients_[row];
  const std::vector<history::Object> objects = std::exchange(client.given_up, {});
  if (shared_.pins.of(visit.client()).empty()) return remover_->add(row, visit.client(), objects);
  std::vector<UnsettledObject> unsettled;
  unsettled.reserve(objects.size());
  for (const history::Object& object : objects) unsettled.push_back({row, object, ObjectState::deleting});
  InventoryTable& inventory = context_.ledger->inventory();
  auto forgotten = inventory.forget(unsettled);
  if (forgotten) forgotten = inventory.distrust(row);
  if (!forgotten) base::log::warn("state database", {{"reason", forgotten.error()}});
  visit.report().again = true;
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
    clients_[record->row].retention_due = true;
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
