#include "engine/adopt_job.h"

#include <utility>

#include "base/log.h"
#include "engine/merge_job.h"
#include "storage/keys.h"

namespace engine {

AdoptJob::AdoptJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client, history::Object object,
                   std::optional<ObjectContent> expected)
    : shared_(shared),
      row_(row),
      client_(std::move(client)),
      object_(object),
      expected_(expected),
      key_(storage::ltx_key(shared.store.layout(), storage::replica_path(client_), history::name_of(object))) {}

void AdoptJob::end(base::Result<bool> result) {
  result_ = std::move(result);
  finished_ = true;
}

base::Result<> AdoptJob::forget() {
  const UnsettledObject row{row_, object_, ObjectState::writing};
  return shared_.ledger.inventory().forget({&row, 1}, InventoryTable::Gone::certainly);
}

bool AdoptJob::step() {
  if (finished_) return false;
  if (!asked_) {
    asked_ = true;
    shared_.store.head(key_, time_for(shared_.clock, 0),
                       [weak = weak_from_this(), post = shared_.post](base::Result<storage::ObjectHead> head) {
                         post([weak, head = std::move(head)]() mutable {
                           if (const auto self = weak.lock()) self->on_head(std::move(head));
                         });
                       });
    return false;
  }
  if (!fetch_ || !fetch_->finished()) return false;
  auto more = check();
  if (more && *more) return true;
  if (!more) end(std::unexpected(more.error().with_context(key_.value)));
  return false;
}

void AdoptJob::on_head(base::Result<storage::ObjectHead> head) {
  if (!head && head.error().category == base::Category::not_found) {
    auto forgotten = forget();
    return end(forgotten ? base::Result<bool>(false) : std::unexpected(forgotten.error()));
  }
  if (!head) return end(std::unexpected(head.error()));
  object_.size_bytes = head->size_bytes;
  object_.stored_at = head->last_modified;
  fetch_ = std::make_shared<InputFetch>(shared_, client_, std::vector{object_});
  fetch_->start();
}

base::Result<bool> AdoptJob::check() {
  if (fetch_->error()) return base::fail(*fetch_->error());
  if (!check_) check_.emplace(fetch_->source(0), history::name_of(object_));
  auto more = check_->step(shared_.clock, shared_.options.slice);
  if (more && *more) return true;
  if (!more && more.error().category != base::Category::corrupt) return more;
  if (!more || (expected_ && check_->content() != *expected_)) {
    TRY(forget());
    return base::fail(base::Category::conflict,
                      "another object stands where a merged one was to be stored; stop the other writer, or remove it");
  }
  object_.page_count = check_->header().commit;
  object_.created_at = check_->header().timestamp;
  TRY(shared_.ledger.inventory().put(row_, object_, ObjectState::present));
  base::log::info("found an object of an earlier merge in the bucket",
                  {{"client", client_.value}, {"object", key_.value}});
  end(true);
  return false;
}

}  // namespace engine
