#include "engine/holdings.h"

#include <utility>

#include "base/log.h"
#include "history/restore_plan.h"

namespace engine {

namespace {

constexpr std::size_t kRowsAtOnce = 64;

}  // namespace

std::optional<BucketHoldings> HoldingsBook::find(const Guid& client) const {
  return state_.with([&](const State& state) -> std::optional<BucketHoldings> {
    const auto found = state.clients.find(client);
    if (found == state.clients.end()) return std::nullopt;
    return found->second.holdings;
  });
}

void HoldingsBook::tell(const State& state) {
  bill_.set_stored(state.objects, state.bytes);
}

void HoldingsBook::put(const Guid& client, BucketHoldings holdings, base::Txid newest) {
  state_.with([&](State& state) {
    Item& item = state.clients[client];
    holdings.failure = std::move(item.holdings.failure);
    holdings.failed_at = item.holdings.failed_at;
    holdings.failing = item.holdings.failing;
    state.objects += holdings.objects - item.holdings.objects;
    state.bytes += holdings.bytes - item.holdings.bytes;
    item = {std::move(holdings), newest};
    tell(state);
  });
  changed_();
}

void HoldingsBook::add(const Guid& client, const history::Object& object) {
  state_.with([&](State& state) {
    const auto found = state.clients.find(client);
    if (found == state.clients.end() || object.max <= found->second.newest) return;
    BucketHoldings& holdings = found->second.holdings;
    found->second.newest = object.max;
    ++holdings.objects;
    holdings.bytes += object.size_bytes;
    ++holdings.plan_objects;
    ++state.objects;
    state.bytes += object.size_bytes;
    tell(state);
  });
}

void HoldingsBook::note_failure(const Guid& client, std::string text, base::UnixMillis at) {
  state_.with([&](State& state) {
    BucketHoldings& holdings = state.clients[client].holdings;
    holdings.failure = std::move(text);
    holdings.failed_at = at;
    holdings.failing = true;
  });
  changed_();
}

void HoldingsBook::note_success(const Guid& client) {
  const bool was_failing = state_.with([&](State& state) {
    const auto found = state.clients.find(client);
    return found != state.clients.end() && std::exchange(found->second.holdings.failing, false);
  });
  if (was_failing) changed_();
}

bool HoldingsReader::step(std::chrono::milliseconds slice) {
  const base::SteadyTime until = clock_.steady_now() + slice;
  do {
    auto more = next();
    if (!more) {
      base::log::warn("state database", {{"reason", more.error()}});
      reached_.reset();
      wanted_.clear();
      return false;
    }
    if (!*more) return false;
  } while (clock_.steady_now() < until);
  return true;
}

base::Result<bool> HoldingsReader::next() {
  if (wanted_.empty() && reached_) {
    TRY_ASSIGN(const auto rows, ledger_.inventory().holders(*reached_, kRowsAtOnce));
    wanted_.insert(wanted_.end(), rows.begin(), rows.end());
    if (rows.empty()) {
      reached_.reset();
    } else {
      reached_ = rows.back();
    }
  }
  if (wanted_.empty()) return false;
  const std::int64_t row = wanted_.front();
  wanted_.pop_front();
  TRY(read(row));
  return true;
}

base::Result<> HoldingsReader::read(std::int64_t row) {
  TRY_ASSIGN(const ClientRecord record, ledger_.find(row));
  const auto guid = parse_guid(record.id.value);
  if (!guid) return {};
  InventoryTable& table = ledger_.inventory();
  TRY_ASSIGN(const Held held, table.held(row));
  BucketHoldings holdings;
  holdings.objects = held.objects;
  holdings.bytes = held.bytes;
  TRY_ASSIGN(const history::Inventory tip, table.tip(row));
  // Where another program's merges lie across each other the tip may not tell a plan; then its length is not known.
  if (const auto plan = history::plan_restore(tip, {})) {
    holdings.plan_objects = static_cast<std::uint32_t>(plan->size());
  }
  TRY_ASSIGN(const auto image, table.oldest_image(row));
  if (image) holdings.oldest_point = image->created_at;
  TRY_ASSIGN(const auto snapshot, table.newest_snapshot(row));
  if (snapshot) holdings.last_snapshot = snapshot->created_at;
  book_.put(*guid, std::move(holdings), tip.newest());
  return {};
}

}  // namespace engine
