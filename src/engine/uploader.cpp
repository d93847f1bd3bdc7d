#include "engine/uploader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/foreign.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/provenance.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

// The store's own retries are over by then (storage/retry.h); these are the pauses between such rounds.
constexpr std::chrono::seconds kRoundLimit{20};
constexpr std::uint64_t kSlowestBytesPerSecond = 32ULL << 10;
constexpr std::array<milliseconds, 5> kPauses{milliseconds(1000), milliseconds(2000), milliseconds(5000),
                                              milliseconds(15'000), milliseconds(30'000)};

struct FoundObject {
  ltx::Header header;
  Acknowledgement content;
};

base::Result<FoundObject> read_object(const base::Bytes& bytes) {
  ltx::Decoder decoder(ltx::memory_source(bytes));
  FoundObject found;
  TRY_ASSIGN(found.header, decoder.read_header());
  for (;;) {
    TRY_ASSIGN(const std::optional<ltx::PageView> page, decoder.next_page());
    if (!page) break;
    found.content.pages.push_back({page->page_number, ltx::page_checksum(page->page_number, page->data)});
  }
  TRY_ASSIGN([[maybe_unused]] const ltx::Trailer trailer, decoder.finish());
  found.content.txid = found.header.max_txid;
  found.content.page_size = found.header.page_size;
  found.content.page_count = found.header.commit;
  found.content.at = found.header.timestamp;
  return found;
}

}  // namespace

Uploader::Uploader(storage::ObjectStore& store, Ledger& ledger, const base::Clock& clock, Probe& probe,
                   base::UnixMillis run_began, std::function<void(StoreAnswer)> deliver)
    : store_(store),
      ledger_(ledger),
      clock_(clock),
      probe_(probe),
      run_began_(run_began),
      deliver_(std::move(deliver)) {}

std::uint64_t Uploader::memory_bytes() const {
  return frozen_ && frozen_->in_memory ? frozen_->body->size_bytes() : 0;
}

base::Result<> Uploader::start(BuiltObject object, ClientRecord& record) {
  CHECK(state_ == UploadState::idle && !frozen_);
  sent_by_earlier_run_ = record.attempted >= object.max;
  if (!sent_by_earlier_run_) {
    TRY(ledger_.record_attempt(record.row, object.max));
    record.attempted = object.max;
  }
  frozen_ = std::move(object);
  key_ =
      storage::ltx_key(store_.layout(), storage::replica_path(record.id), {frozen_->level, frozen_->min, frozen_->max});
  proceed(record);
  return {};
}

void Uploader::retry(ClientRecord& record) {
  if (state_ == UploadState::waiting) proceed(record);
}

void Uploader::proceed(ClientRecord& record) {
  state_ = UploadState::running;
  if (!audited_) {
    audit_bucket(store_, storage::replica_path(record.id), record.txid,
                 [deliver = deliver_](base::Result<BucketAudit> audit) { deliver(AuditAnswer{std::move(audit)}); });
  } else if (frozen_->level.value == 0 && frozen_->max <= known_newest_) {
    read_taken();
  } else {
    send();
  }
}

void Uploader::send() {
  storage::PutRequest request;
  request.key = key_;
  request.body = frozen_->body;
  request.on_existing = storage::OnExisting::fail_with_conflict;
  request.litestream_timestamp = frozen_->timestamp;
  store_.put(std::move(request), {round_end(), {}},
             [deliver = deliver_](base::Result<storage::PutResult> result) { deliver(PutAnswer{std::move(result)}); });
}

void Uploader::read_taken() {
  store_.get({key_, 0, std::nullopt}, {round_end(), {}},
             [deliver = deliver_](base::Result<base::Bytes> bytes) { deliver(ObjectAnswer{std::move(bytes)}); });
}

void Uploader::forget_conflict() {
  if (state_ != UploadState::conflict) return;
  state_ = UploadState::idle;
  conflict_.reset();
  detail_.clear();
  failures_ = 0;
}

base::Result<UploadNews> Uploader::on_answer(StoreAnswer answer, ClientRecord& record) {
  if (state_ != UploadState::running || (!frozen_ && !reading_on_)) return UploadNews::none;
  if (auto* asked = std::get_if<AuditAnswer>(&answer)) {
    if (!asked->audit) return postpone(asked->audit.error());
    return on_audit(*asked->audit, record);
  }
  if (auto* put = std::get_if<PutAnswer>(&answer)) {
    if (put->result) return stored(record);
    if (put->result.error().category != base::Category::conflict) return postpone(put->result.error());
    read_taken();
    return UploadNews::none;
  }
  auto& object = std::get<ObjectAnswer>(answer);
  if (object.bytes) return settle(*object.bytes, record);
  if (reading_on_) return stop_reading_on();
  if (object.bytes.error().category == base::Category::not_found) known_newest_ = {};  // then the name is free
  return postpone(object.bytes.error());
}

base::Result<UploadNews> Uploader::on_audit(const BucketAudit& audit, ClientRecord& record) {
  if (audit.beyond) {
    const base::ObjectKey key = storage::ltx_key(store_.layout(), storage::replica_path(record.id), *audit.beyond);
    return end_in_conflict(
        describe_conflict(key, audit.beyond->max, audit.beyond_header, ledger_.lineages(), clock_.unix_now()), record);
  }
  audited_ = true;
  known_newest_ = audit.newest;
  const bool replaces_all = frozen_->level.value != 0;
  if (record.txid.value > 0 && !audit.next_is_taken && !replaces_all &&
      (audit.newest < record.txid || !audit.restorable)) {
    base::log::error("the bucket has lost objects that were stored; it is asked where to go on",
                     {{"client", record.id.value}, {"stored", record.txid.value}, {"found", audit.newest.value}});
    bump(probe_.repaired_chains);
    frozen_.reset();
    state_ = UploadState::idle;
    return UploadNews::history_lost;
  }
  proceed(record);
  return UploadNews::none;
}

base::SteadyTime Uploader::round_end() const {
  if (!frozen_) return clock_.steady_now() + kRoundLimit;
  const auto for_bytes = std::chrono::seconds(frozen_->body->size_bytes() / kSlowestBytesPerSecond);
  return clock_.steady_now() + kRoundLimit + for_bytes;
}

UploadNews Uploader::postpone(const base::Error& error) {
  bump(probe_.upload_failures);
  state_ = UploadState::waiting;
  detail_ = error.message;
  const milliseconds pause = kPauses.at(std::min<std::size_t>(failures_++, kPauses.size() - 1));
  const auto spread = std::chrono::duration_cast<milliseconds>(pause * (0.75 + base::random_unit() / 2));
  next_attempt_ = clock_.steady_now() + std::max(error.retry_after.value_or(milliseconds(0)), spread);
  return UploadNews::failed;
}

void Uploader::note_acknowledged(ClientRecord& record, const Acknowledgement& ack) {
  record.txid = ack.txid;
  record.database_checksum = ack.database_checksum;
  record.page_size = ack.page_size;
  record.page_count = ack.page_count;
  record.position = ack.position;
  record.fingerprint = ack.fingerprint;
  record.last_replicated = ack.at;
  record.index_valid = true;
  frozen_.reset();
  state_ = UploadState::idle;
  detail_.clear();
  failures_ = 0;
}

// What stands at key_: the frozen object, or one at level 0 that is read on.
history::Object Uploader::stored_object(const ClientRecord& record, std::uint64_t size_bytes,
                                        base::UnixMillis timestamp, std::uint32_t page_count) const {
  const base::Txid next = base::next(record.txid);
  history::Object object{next, next, size_bytes, timestamp, clock_.unix_now(), page_count, base::Level{0}};
  if (frozen_) {
    object.min = frozen_->min;
    object.max = frozen_->max;
    object.level = frozen_->level;
  }
  return object;
}

base::Result<UploadNews> Uploader::stored(ClientRecord& record) {
  frozen_->acknowledgement.at = clock_.unix_now();
  frozen_->acknowledgement.object =
      stored_object(record, frozen_->body->size_bytes(), frozen_->timestamp, frozen_->acknowledgement.page_count);
  const Acknowledgement ack = frozen_->acknowledgement;
  if (auto recorded = ledger_.acknowledge(record.row, ack); !recorded) return postpone(recorded.error());
  ++uploads_;
  upload_bytes_ += frozen_->body->size_bytes();
  bump(probe_.uploads);
  bump(probe_.upload_bytes, frozen_->body->size_bytes());
  stored_.push_back({*ack.object, frozen_->body});
  note_acknowledged(record, ack);
  return UploadNews::stored;
}

bool Uploader::by_earlier_run(const ltx::Header& header) const {
  const auto who = ltx::provenance(header);
  if (!who || !ledger_.lineages().is_ours(who->lineage) || who->lineage == ledger_.lineages().current()) return false;
  return sent_by_earlier_run_ || header.timestamp <= run_began_;
}

// The TXID is taken. By the bytes that stand there: our own object (the frozen one, or an earlier one whose answer was
// lost), or somebody else's.
base::Result<UploadNews> Uploader::settle(const base::Bytes& bytes, ClientRecord& record) {
  if (frozen_) {
    base::Bytes ours(frozen_->body->size_bytes());
    if (ours.size() == bytes.size() && frozen_->body->read_at(0, ours) && ours == bytes) return stored(record);
  }
  auto found = read_object(bytes);
  if (found) {
    found->content.object = stored_object(record, bytes.size(), found->header.timestamp, found->header.commit);
  }
  if (found && by_earlier_run(found->header)) return adopt(found->header, std::move(found->content), record);
  const auto header = ltx::decode_header(bytes);
  return end_in_conflict(
      describe_conflict(key_, base::next(record.txid), header ? std::optional(*header) : std::nullopt,
                        ledger_.lineages(), clock_.unix_now()),
      record);
}

UploadNews Uploader::end_in_conflict(const Conflict& conflict, ClientRecord& record) {
  conflict_ = conflict;
  detail_ = conflict_text(conflict, record.id.value);
  state_ = UploadState::conflict;
  bump(probe_.conflicts);
  frozen_.reset();
  reading_on_ = false;
  return UploadNews::conflict;
}

// What was adopted so far counts; the rest is found at the next upload.
UploadNews Uploader::stop_reading_on() {
  reading_on_ = false;
  audited_ = false;
  state_ = UploadState::idle;
  return UploadNews::adopted;
}

// The next one too, if the bucket has more: a state that lost its newest acknowledgements catches up in one go.
base::Result<UploadNews> Uploader::adopt(const ltx::Header& header, Acknowledgement ack, ClientRecord& record) {
  ack.database_checksum = ltx::provenance(header)->database_checksum;
  ack.replaces_index = ack.page_size != record.page_size || header.is_snapshot() || !record.index_valid;
  const bool whole = ack.pages.size() + 1 >= ack.page_count;  // the lock page is never there
  if (auto recorded = ledger_.acknowledge(record.row, ack); !recorded) {
    if (reading_on_) return stop_reading_on();
    return postpone(recorded.error());
  }
  bump(probe_.adopted);
  if (ack.object) stored_.push_back({*ack.object, nullptr});
  note_acknowledged(record, ack);
  if (ack.replaces_index && !whole) {
    record.index_valid = false;
    reading_on_ = false;
    TRY(ledger_.forget_index(record.row));
  }
  if (record.txid >= known_newest_) {
    reading_on_ = false;
    return UploadNews::adopted;
  }
  const base::Txid next = base::next(record.txid);
  sent_by_earlier_run_ = record.attempted >= next;
  if (auto recorded = ledger_.record_attempt(record.row, next); !recorded) return stop_reading_on();
  record.attempted = std::max(record.attempted, next);
  key_ = storage::ltx_key(store_.layout(), storage::replica_path(record.id), {base::Level{0}, next, next});
  reading_on_ = true;
  state_ = UploadState::running;
  read_taken();
  return UploadNews::none;
}

}  // namespace engine
