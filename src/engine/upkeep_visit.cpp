#include "engine/upkeep_visit.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "history/compaction.h"
#include "history/restore_plan.h"

namespace engine {

namespace {

std::uint64_t bytes_of(const std::vector<history::Object>& objects) {
  std::uint64_t bytes = 0;
  for (const history::Object& object : objects) bytes += object.size_bytes;
  return bytes;
}

}  // namespace

UpkeepVisit::UpkeepVisit(UpkeepShared& shared, VisitRequest request) : shared_(shared), request_(std::move(request)) {}

bool UpkeepVisit::step() {
  UpkeepJob* const jobs[] = {list_.get(), adopt_.get(), prove_.get(), merge_.get()};
  for (UpkeepJob* job : jobs) {
    if (job == nullptr || job->finished()) continue;
    const bool more = job->step();
    if (!job->finished()) return more;
  }
  if (finished()) return false;
  if (auto advanced = advance(); !advanced) {
    report_.error = advanced.error();
    report_.unsettled = std::move(request_.unsettled);
    if (merge_ && merge_->sent()) report_.unsettled.push_back(merge_->object());
    stage_ = Stage::finished;
  }
  return !finished();
}

base::Result<> UpkeepVisit::advance() {
  switch (stage_) {
    case Stage::begin:
      return begin();
    case Stage::list:
      return listed();
    case Stage::settle:
      return settle_next();
    case Stage::prove:
      return prove();
    case Stage::merge:
      return merged();
    case Stage::adopt:
      return adopted();
    case Stage::retain:
      return retain();
    case Stage::finished:
      return {};
  }
  return {};
}

base::Result<> UpkeepVisit::begin() {
  TRY_ASSIGN(record_, shared_.ledger.find(request_.row));
  if (record_.txid.value == 0) {
    stage_ = Stage::finished;  // nothing is stored, or the client does not know yet what is
    return {};
  }
  TRY_ASSIGN(const bool known, shared_.ledger.inventory().known(request_.row));
  if (!known) list_ = std::make_shared<ListJob>(shared_, request_.row, record_.id);
  stage_ = Stage::list;
  return {};
}

base::Result<> UpkeepVisit::listed() {
  if (list_) TRY(list_->result());
  stage_ = Stage::settle;
  return {};
}

base::Result<> UpkeepVisit::settle_next() {
  if (const auto settled = std::exchange(adopt_, nullptr); settled) {
    const auto& result = settled->result();
    if (!result && result.error().category != base::Category::conflict) return base::fail(result.error());
    request_.unsettled.pop_back();
  }
  if (!request_.unsettled.empty()) {
    adopt_ = std::make_shared<AdoptJob>(shared_, request_.row, record_.id, request_.unsettled.back(), std::nullopt);
    return {};
  }
  TRY_ASSIGN(const auto newest, shared_.ledger.inventory().newest_raw(request_.row));
  if (!request_.owned && newest) prove_ = std::make_shared<ProveJob>(shared_, record_.id, *newest);
  stage_ = Stage::prove;
  return {};
}

base::Result<> UpkeepVisit::prove() {
  if (prove_) {
    if (const auto& proven = prove_->result(); !proven) return inventory_is_wrong(proven.error());
    report_.proven = request_.owned = true;
  }
  // Without anything at level 0 only an object of our own can prove it.
  if (!request_.owned) {
    stage_ = Stage::finished;
    return {};
  }
  report_.owned = true;
  return compact();
}

base::Result<> UpkeepVisit::compact() {
  InventoryTable& table = shared_.ledger.inventory();
  TRY_ASSIGN(record_, shared_.ledger.find(request_.row));
  const history::DatabaseSize size{record_.page_size, record_.page_count};
  TRY_ASSIGN(history::Inventory inventory, table.tip(request_.row));
  history::Action action = history::next_action(inventory, size, shared_.options.compaction);
  const auto* snapshot = std::get_if<history::Snapshot>(&action);
  if (snapshot != nullptr && snapshot->why == history::SnapshotReason::chain_has_a_gap) {
    // Objects that another program merged may lie across each other; then the tip does not tell.
    TRY_ASSIGN(inventory, table.present(request_.row));
    action = history::next_action(inventory, size, shared_.options.compaction);
    snapshot = std::get_if<history::Snapshot>(&action);
  }
  if (const auto* merge = std::get_if<history::Merge>(&action)) return start_merge(merge->inputs, merge->level);
  if (snapshot != nullptr) {
    TRY_ASSIGN(std::vector<history::Object> plan, history::plan_restore(inventory, {}));
    return start_merge(std::move(plan), base::kSnapshotLevel);
  }
  report_.due = std::get<history::Nothing>(action).due;
  stage_ = Stage::retain;
  return {};
}

base::Result<> UpkeepVisit::start_merge(std::vector<history::Object> inputs, base::Level level) {
  const std::uint64_t bytes = bytes_of(inputs);
  heavy_ = bytes > shared_.options.light_bytes_max;
  if (2 * bytes > shared_.options.staging_bytes_max) {
    return base::fail(base::Category::io,
                      "a merge of " + std::to_string(bytes) + " bytes does not fit into the staging directory's quota");
  }
  if (heavy_ && !request_.heavy_allowed) {
    heavy_ = false;
    report_.wants_heavy = true;
    stage_ = Stage::retain;
    return {};
  }
  merge_ = std::make_shared<MergeJob>(shared_, request_.row, record_.id, std::move(inputs), level);
  stage_ = Stage::merge;
  return {};
}

base::Result<> UpkeepVisit::merged() {
  const auto& result = merge_->result();
  if (!result && result.error().category == base::Category::conflict) {
    adopt_ = std::make_shared<AdoptJob>(shared_, request_.row, record_.id, merge_->object(), merge_->content());
    stage_ = Stage::adopt;
    return {};
  }
  if (!result) return inventory_is_wrong(result.error());
  report_.again = true;
  stage_ = Stage::retain;
  return {};
}

base::Result<> UpkeepVisit::adopted() {
  if (const auto& result = adopt_->result(); !result) return base::fail(result.error());
  // The answer to our own request was lost, as a rule.
  bump(merge_->object().level == base::kSnapshotLevel ? shared_.probe.snapshots : shared_.probe.merges);
  report_.again = true;
  stage_ = Stage::retain;
  return {};
}

base::Result<> UpkeepVisit::retain() {
  stage_ = Stage::finished;
  if (!request_.retention) return {};
  TRY_ASSIGN(const history::Inventory inventory, shared_.ledger.inventory().present(request_.row));
  // As they are known now: one that came while this visit merged counts.
  const auto known_pins = shared_.known_pins(record_.id);
  const std::vector<history::Pin> pins = known_pins.value_or(std::vector<history::Pin>());
  history::RetentionPlan plan = history::plan_retention(inventory, request_.policy, pins, request_.now);
  if (!known_pins && !plan.removals.empty()) {
    report_.wants_pins = true;
    return {};
  }
  note_pins(pins, plan);
  // Any part of them may go (history/retention.h).
  const std::size_t count = std::min(plan.removals.size(), request_.removals_max);
  report_.removals_left = count < plan.removals.size();
  std::vector<history::Object> removals;
  removals.reserve(count);
  for (std::size_t i = 0; i < count; ++i) removals.push_back(plan.removals[i].object);
  TRY(shared_.ledger.inventory().set_state(request_.row, removals, ObjectState::deleting));
  report_.removals = std::move(removals);
  report_.retention_done = true;
  report_.next_due = plan.next_due;
  return {};
}

void UpkeepVisit::note_pins(const std::vector<history::Pin>& pins, const history::RetentionPlan& plan) {
  report_.holds_pins =
      std::ranges::any_of(pins, [&](const history::Pin& pin) { return !pin.until || *pin.until > request_.now; });
  report_.lost_pins = history::lost_pins(plan, pins, request_.now);
}

// An object that should be there is not, or is not what it was: the next visit asks the bucket what it has.
base::Result<> UpkeepVisit::inventory_is_wrong(const base::Error& error) {
  if (error.category == base::Category::not_found) {
    base::log::warn("an object is missing in the bucket; it is listed anew",
                    {{"client", record_.id.value}, {"reason", error}});
    TRY(shared_.ledger.inventory().distrust(request_.row));
  }
  return base::fail(error);
}

}  // namespace engine
