// Brings the objects of one client to the store, strictly one at a time, and learns what became of each.
//
// An object whose upload was ever started is frozen: it is retried byte for byte until the store has answered, because
// a request that seemed to fail may still arrive. A TXID that exists already is looked at. It is ours if it holds the
// very bytes that were sent (the answer was lost), or if an earlier run of this state directory made it: one that this
// state knows, and before this run began, unless it is the TXID that the earlier run is known to have sent. Such an
// object is adopted into the ledger. Anything else is a conflict, also an object of our own lineage that is neither: a
// copy of the state directory is alive elsewhere (decision 0010). Nothing is ever overwritten.
//
// Before the first upload of a run that builds on what the state knows the bucket is asked once whether it still ends
// there: objects may have been lost, or another writer may have gone on and compacted what stood at our next TXID. What
// it already holds is read instead of sent against, object after object.
//
// Owned by one client; one thread at a time. Never blocks on the network: answers arrive through `deliver`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/bucket_position.h"
#include "engine/ledger.h"
#include "engine/object_builder.h"
#include "engine/probe.h"
#include "ltx/header.h"
#include "storage/keys.h"
#include "storage/object_store.h"

namespace engine {

// Answers of the store, handed back to the client's thread.
struct PutAnswer {
  base::Result<storage::PutResult> result;
};
struct ObjectAnswer {
  base::Result<base::Bytes> bytes;  // the whole object that stands at the TXID we wanted
};
struct AuditAnswer {
  base::Result<BucketAudit> audit;
};
using StoreAnswer = std::variant<PutAnswer, ObjectAnswer, AuditAnswer>;

enum class UploadState : std::uint8_t {
  idle,      // nothing frozen
  running,   // the store is busy with it
  waiting,   // the store refused or is away; again at next_attempt()
  conflict,  // another writer owns the prefix; stays so until forget_conflict()
};

enum class UploadNews : std::uint8_t {
  none,
  stored,        // acknowledged and recorded; record() has moved
  adopted,       // an earlier object of ours was found at this TXID: captures on top of record() are void, make a diff
  failed,        // see detail() and next_attempt()
  history_lost,  // the bucket lacks objects that we stored, nothing was sent: ask it where to go on
  conflict,
};

// What has just become part of the inventory; `body` only if we sent it ourselves.
struct StoredObject {
  history::Object object;
  std::shared_ptr<const storage::Body> body;
};

class Uploader {
 public:
  // `run_began` tells objects of earlier runs from those of a copy that lives on. `deliver` may be called on any thread
  // and posts the answer to the client's mailbox; it stays callable until the store is destroyed.
  Uploader(storage::ObjectStore& store, Ledger& ledger, const base::Clock& clock, Probe& probe,
           base::UnixMillis run_began, std::function<void(StoreAnswer)> deliver);

  // REQUIRES: state() is idle. Freezes `object` and starts the upload. `record` is the client's row, kept up to date
  // here.
  base::Result<> start(BuiltObject object, ClientRecord& record);
  // The frozen object once more (state() is waiting and its time has come, or at shutdown).
  void retry(ClientRecord& record);
  base::Result<UploadNews> on_answer(StoreAnswer answer, ClientRecord& record);
  // The caller has just asked the bucket itself: no need to do so before the next upload.
  void trust_bucket() { audited_ = true; }
  // After the operator's word; the caller asks the bucket anew where to go on.
  void forget_conflict();

  // What became stored or was adopted since the last call.
  std::vector<StoredObject> take_stored() { return std::exchange(stored_, {}); }

  [[nodiscard]] UploadState state() const { return state_; }
  // The store's last word was no; stays so while the object is sent once more.
  [[nodiscard]] bool failing() const { return failures_ > 0; }
  [[nodiscard]] const std::string& detail() const { return detail_; }
  [[nodiscard]] const std::optional<Conflict>& conflict() const { return conflict_; }
  [[nodiscard]] base::SteadyTime next_attempt() const { return next_attempt_; }
  [[nodiscard]] bool has_frozen() const { return frozen_.has_value(); }
  [[nodiscard]] std::uint64_t memory_bytes() const;  // of the frozen object
  [[nodiscard]] std::uint64_t uploads() const { return uploads_; }
  [[nodiscard]] std::uint64_t upload_bytes() const { return upload_bytes_; }

 private:
  void proceed(ClientRecord& record);
  void send();
  void read_taken();
  base::Result<UploadNews> on_audit(const BucketAudit& audit, ClientRecord& record);
  base::Result<UploadNews> adopt(const ltx::Header& header, Acknowledgement ack, ClientRecord& record);
  UploadNews stop_reading_on();
  UploadNews end_in_conflict(const Conflict& conflict, ClientRecord& record);
  [[nodiscard]] base::SteadyTime round_end() const;
  [[nodiscard]] history::Object stored_object(const ClientRecord& record, std::uint64_t size_bytes,
                                              base::UnixMillis timestamp, std::uint32_t page_count) const;
  UploadNews postpone(const base::Error& error);
  base::Result<UploadNews> stored(ClientRecord& record);
  base::Result<UploadNews> settle(const base::Bytes& bytes, ClientRecord& record);
  [[nodiscard]] bool by_earlier_run(const ltx::Header& header) const;
  void note_acknowledged(ClientRecord& record, const Acknowledgement& ack);

  storage::ObjectStore& store_;
  Ledger& ledger_;
  const base::Clock& clock_;
  Probe& probe_;
  base::UnixMillis run_began_;
  std::function<void(StoreAnswer)> deliver_;
  std::optional<BuiltObject> frozen_;
  std::vector<StoredObject> stored_;
  bool sent_by_earlier_run_ = false;  // something was, at the TXID that is looked at
  bool audited_ = false;
  bool reading_on_ = false;  // adopting one object after the other, nothing is frozen
  base::Txid known_newest_;  // of the bucket, by the audit
  base::ObjectKey key_;
  UploadState state_ = UploadState::idle;
  std::string detail_;
  std::optional<Conflict> conflict_;
  base::SteadyTime next_attempt_{};
  std::uint32_t failures_ = 0;
  std::uint64_t uploads_ = 0, upload_bytes_ = 0;
};

}  // namespace engine
