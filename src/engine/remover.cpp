#include "engine/remover.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "engine/merge_job.h"
#include "storage/keys.h"

namespace engine {

namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::chrono::minutes kGather{5};       // for a batch that is not full
constexpr std::chrono::seconds kLookAgain{10};   // a store may take a moment
constexpr std::chrono::seconds kFirstPause{60};  // after a failure; doubles
constexpr unsigned kPauseShiftMax = 6;           // about an hour

}  // namespace

void Remover::add(std::int64_t row, const base::DatabaseId& client, const std::vector<history::Object>& objects) {
  if (objects.empty()) return;
  if (waiting_.empty()) due_ = std::max(due_, shared_.clock.steady_now() + kGather);
  const std::string replica = storage::replica_path(client);
  for (const history::Object& object : objects) {
    base::ObjectKey key = storage::ltx_key(shared_.store.layout(), replica, history::name_of(object));
    waiting_.push_back({{row, object, ObjectState::deleting}, std::move(key)});
  }
}

std::size_t Remover::room() const {
  const std::size_t held = waiting_.size() + batch_.size();
  return shared_.options.removals_max - std::min(held, shared_.options.removals_max);
}

bool Remover::holds(std::int64_t row) const {
  const auto of_it = [row](const Item& item) { return item.object.row == row; };
  return std::ranges::any_of(waiting_, of_it) || std::ranges::any_of(batch_, of_it);
}

void Remover::give_back(std::int64_t row) {
  if (asks_for(row)) recalled_.insert(row);
  std::vector<Item> items;
  std::erase_if(waiting_, [&](Item& item) {
    if (item.object.row != row) return false;
    items.push_back(std::move(item));
    return true;
  });
  make_present(row, items);
}

bool Remover::asks_for(std::int64_t row) const {
  return std::ranges::any_of(batch_, [&](const Item& item) { return item.object.row == row; });
}

// Where that cannot be recorded they stay `deleting`: objects that nobody counts on, until the next start.
void Remover::make_present(std::int64_t row, const std::vector<Item>& items) {
  std::vector<history::Object> untouched;
  std::vector<UnsettledObject> asked_for;
  for (const Item& item : items) {
    if (item.asked_for) {
      asked_for.push_back(item.object);
    } else {
      untouched.push_back(item.object.object);
    }
  }
  InventoryTable& inventory = shared_.ledger.inventory();
  base::Result<> kept;
  if (!untouched.empty()) kept = inventory.set_state(row, untouched, ObjectState::present);
  // In this order: a crash in between leaves them `deleting`, not unknown.
  if (kept && !asked_for.empty()) kept = inventory.distrust(row);
  if (kept && !asked_for.empty()) kept = inventory.forget(asked_for, InventoryTable::Gone::perhaps);
  if (!kept) base::log::warn("state database", {{"reason", kept.error()}});
}

std::optional<base::SteadyTime> Remover::step() {
  const base::SteadyTime now = shared_.clock.steady_now();
  if (stopped_) return std::nullopt;
  if (reading_) {
    if (!reading_->finished()) return std::nullopt;
    on_pins(std::exchange(reading_, nullptr)->result());
    return busy_ ? std::nullopt : std::optional(std::max(due_, now));
  }
  if (look_again_) {
    if (*look_again_ > now) return look_again_;
    if (!std::exchange(busy_, true)) look_up();
    return std::nullopt;
  }
  if (busy_ || waiting_.empty()) return std::nullopt;
  const bool full = waiting_.size() >= kBatch && failures_ == 0;
  if (!full && due_ > now) return due_;
  read_pins();
  return std::nullopt;
}

void Remover::read_pins() {
  busy_ = true;
  reading_ = std::make_shared<PinReading>(shared_);
  reading_->step();
}

// What a new pin may need is not removed: it is planned anew.
void Remover::on_pins(base::Result<PinBook>& pins) {
  if (!pins) return try_again_later(pins.error().message);
  const auto changed = shared_.pins.changed(*pins);
  const bool first = !shared_.pins.read;
  shared_.pins = std::move(*pins);
  if (!changed.empty() && !first) base::log::info("pinned restore points have changed", {{"clients", changed.size()}});
  if (!changed.empty()) listener_.pins_changed(changed);
  busy_ = false;
  if (!waiting_.empty()) send();
}

void Remover::send() {
  busy_ = true;
  const std::size_t count = std::min(kBatch, waiting_.size());
  std::vector<base::ObjectKey> keys;
  for (std::size_t i = 0; i < count; ++i) {
    keys.push_back(waiting_.front().key);
    batch_.push_back(std::move(waiting_.front()));
    batch_.back().asked_for = true;
    waiting_.pop_front();
  }
  shared_.store.remove(
      std::move(keys), time_for(shared_.clock, 0),
      [weak = weak_from_this(), post = shared_.post](base::Result<std::vector<storage::RemoveFailure>> answer) {
        post([weak, answer = std::move(answer)]() mutable {
          if (const auto self = weak.lock()) self->on_removed(std::move(answer));
        });
      });
}

void Remover::on_removed(base::Result<std::vector<storage::RemoveFailure>> answer) {
  if (!answer) {
    if (answer.error().category == base::Category::denied) return stop(answer.error().message);
    return try_again_later(answer.error().message);
  }
  std::unordered_set<std::string> failed;
  for (const storage::RemoveFailure& failure : *answer) failed.insert(failure.key.value);
  const auto denied = std::ranges::find(*answer, base::Category::denied,
                                        [](const storage::RemoveFailure& failure) { return failure.error.category; });
  if (denied != answer->end() && failed.size() >= batch_.size()) return stop(denied->error.message);
  for (Item& item : batch_) {
    if (failed.contains(item.key.value)) waiting_.push_back(item);
  }
  std::erase_if(batch_, [&](const Item& item) { return failed.contains(item.key.value); });
  if (batch_.empty()) return try_again_later(answer->front().error.message);
  if (!failed.empty()) {
    base::log::warn("some objects could not be removed, will be repeated",
                    {{"objects", failed.size()}, {"reason", answer->front().error}});
    due_ = shared_.clock.steady_now() + kFirstPause;
  }
  look_up();
}

void Remover::look_up() {
  const auto sample = static_cast<std::size_t>(base::random_unit() * static_cast<double>(batch_.size()));
  const std::size_t index = look_again_ ? 0 : std::min(sample, batch_.size() - 1);
  std::swap(batch_.front(), batch_[index]);
  shared_.store.head(batch_.front().key, time_for(shared_.clock, 0),
                     [weak = weak_from_this(), post = shared_.post](base::Result<storage::ObjectHead> head) {
                       post([weak, head = std::move(head)]() mutable {
                         if (const auto self = weak.lock()) self->on_head(std::move(head));
                       });
                     });
}

void Remover::on_head(base::Result<storage::ObjectHead> head) {
  if (!head && head.error().category == base::Category::not_found) return finish_batch();
  if (!head) return try_again_later(head.error().message);
  if (!std::exchange(look_again_, std::nullopt)) {
    look_again_ = shared_.clock.steady_now() + kLookAgain;
    busy_ = false;
    return;
  }
  stop(batch_.front().key.value + " is still there after the store had confirmed its removal");
}

void Remover::finish_batch() {
  std::vector<UnsettledObject> removed;
  std::uint64_t bytes = 0;
  for (const Item& item : batch_) {
    removed.push_back(item.object);
    bytes += item.object.object.size_bytes;
  }
  if (auto forgotten = shared_.ledger.inventory().forget(removed, InventoryTable::Gone::certainly); !forgotten) {
    return try_again_later(forgotten.error().message);
  }
  bump(shared_.probe.removed_objects, removed.size());
  bump(shared_.probe.removed_bytes, bytes);
  base::log::debug("old objects removed", {{"objects", removed.size()}, {"bytes", bytes}});
  batch_.clear();
  give_back_recalled();
  look_again_.reset();
  busy_ = false;
  failures_ = 0;
  std::unordered_set<std::int64_t> rows;
  for (const UnsettledObject& object : removed) rows.insert(object.row);
  for (const std::int64_t row : rows) listener_.removed(row);
}

// Of a batch some may not have gone, and may be needed by now.
void Remover::give_back_recalled() {
  for (const std::int64_t row : std::exchange(recalled_, {})) give_back(row);
}

void Remover::try_again_later(std::string why) {
  bump(shared_.probe.upkeep_failures);
  base::log::warn("old objects could not be removed, will be repeated", {{"reason", why}});
  waiting_.insert(waiting_.begin(), batch_.begin(), batch_.end());
  batch_.clear();
  give_back_recalled();
  look_again_.reset();
  busy_ = false;
  due_ = shared_.clock.steady_now() + kFirstPause * (1U << std::min(failures_++, kPauseShiftMax));
}

// What was given up is an ordinary object again: nothing is forgotten that the bucket may still have.
void Remover::stop(std::string why) {
  stopped_ = true;
  busy_ = false;
  look_again_.reset();
  bump(shared_.probe.upkeep_failures);
  waiting_.insert(waiting_.begin(), batch_.begin(), batch_.end());
  batch_.clear();
  recalled_.clear();
  while (!waiting_.empty()) give_back(waiting_.front().object.row);
  base::log::error("retention has stopped", {{"reason", why}});
  listener_.notice("Retention has stopped until the next start, and nothing is removed: " + why +
                   ". Allow deletions in this bucket, or turn retention off with -retention off.");
}

}  // namespace engine
