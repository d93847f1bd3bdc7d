#include "engine/ownership.h"

#include <utility>

#include "engine/merge_job.h"
#include "ltx/header.h"
#include "ltx/provenance.h"
#include "storage/keys.h"

namespace engine {

namespace {

std::unexpected<base::Error> another_writer(const base::ObjectKey& key) {
  return base::fail(base::Category::conflict, key.value +
                                                  " was not written by this host; nothing of this database is merged "
                                                  "or removed any more. Stop the other writer, or give this host "
                                                  "another bucket or prefix");
}

}  // namespace

ListJob::ListJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client)
    : shared_(shared), row_(row), client_(std::move(client)), replica_(storage::replica_path(client_)) {}

bool ListJob::step() {
  if (!std::exchange(asked_, true)) list({});
  return false;
}

void ListJob::list(std::string start_after) {
  if (start_after.empty()) listing_ = shared_.ledger.inventory().begin_listing(row_);
  shared_.store.list({replica_ + "/", std::move(start_after), 1000}, time_for(shared_.clock, 0),
                     [weak = weak_from_this(), post = shared_.post](base::Result<storage::ListPage> page) {
                       post([weak, page = std::move(page)]() mutable {
                         const auto self = weak.lock();
                         if (!self) return;
                         self->result_ = self->on_page(std::move(page));
                         if (!self->result_) self->finished_ = true;
                       });
                     });
}

base::Result<> ListJob::on_page(base::Result<storage::ListPage> page) {
  if (!page) return base::fail(page.error());
  for (const storage::ObjectInfo& object : page->objects) {
    const auto name = storage::parse_ltx_key(shared_.store.layout(), replica_, object.key.value);
    if (name) listed_.push_back(history::from_listing(*name, object.size_bytes, object.last_modified));
  }
  if (page->next_start_after) {
    list(*page->next_start_after);
    return {};
  }
  TRY_ASSIGN(const bool recorded, record());
  if (!recorded) {
    listed_.clear();
    list({});
    return {};
  }
  finished_ = true;
  return {};
}

base::Result<bool> ListJob::record() {
  TRY_ASSIGN(const ClientRecord record, shared_.ledger.find(row_));
  if (record.txid.value == 0) {  // it has started over since we asked
    return base::fail(base::Category::retry_later, "the client itself asks the bucket where to go on");
  }
  for (const history::Object& object : listed_) {
    if (object.max <= std::max(record.txid, record.attempted)) continue;
    return another_writer(storage::ltx_key(shared_.store.layout(), replica_, history::name_of(object)));
  }
  return shared_.ledger.inventory().record_listing(*listing_, listed_);
}

ProveJob::ProveJob(UpkeepShared& shared, base::DatabaseId client, history::Object newest)
    : shared_(shared),
      client_(std::move(client)),
      key_(storage::ltx_key(shared.store.layout(), storage::replica_path(client_), history::name_of(newest))) {}

void ProveJob::end(base::Result<> result) {
  result_ = std::move(result);
  finished_ = true;
}

bool ProveJob::step() {
  if (std::exchange(asked_, true)) return false;
  const std::string raw = storage::level_prefix(shared_.store.layout(), storage::replica_path(client_), base::Level{0});
  shared_.store.list({raw, key_.value, 1}, time_for(shared_.clock, 0),
                     [weak = weak_from_this(), post = shared_.post](base::Result<storage::ListPage> page) {
                       post([weak, page = std::move(page)]() mutable {
                         const auto self = weak.lock();
                         if (!self) return;
                         if (auto asked = self->on_list(std::move(page)); !asked) self->end(std::move(asked));
                       });
                     });
  return false;
}

base::Result<> ProveJob::on_list(base::Result<storage::ListPage> page) {
  if (!page) return base::fail(page.error());
  if (!page->objects.empty()) return another_writer(page->objects.front().key);
  shared_.store.get({key_, 0, ltx::kHeaderSize}, time_for(shared_.clock, 0),
                    [weak = weak_from_this(), post = shared_.post](base::Result<base::Bytes> bytes) {
                      post([weak, bytes = std::move(bytes)]() mutable {
                        if (const auto self = weak.lock()) self->end(self->on_header(std::move(bytes)));
                      });
                    });
  return {};
}

base::Result<> ProveJob::on_header(base::Result<base::Bytes> bytes) const {
  if (!bytes) return base::fail(bytes.error().with_context(key_.value));
  const auto header = ltx::decode_header(*bytes);
  const auto who = header ? ltx::provenance(*header) : std::nullopt;
  if (!who || !shared_.ledger.lineages().is_ours(who->lineage)) return another_writer(key_);
  return {};
}

}  // namespace engine
