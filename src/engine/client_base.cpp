// Making a client's state known: waiting files, images and diffs; and anew, where what was known is void.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/client.h"
#include "engine/upkeep.h"
#include "ltx/checksum.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSliceTime{8};
constexpr milliseconds kLocalFailureRetry{5000};
constexpr milliseconds kBlockedRetry{30'000};
constexpr milliseconds kWaitingRetry{30'000};  // events wake a waiting client much sooner
constexpr milliseconds kPlaceRetry{1000};      // called sooner as a rule
constexpr std::uint32_t kLongPinAfter = 2;
constexpr std::uint32_t kKeepLogAfter = 4;
constexpr std::uint32_t kBackoffShiftMax = 7;
constexpr std::uint32_t kWaitShiftMax = 16;  // 6.5 s; an event starts anew

}  // namespace

// What a client does before the first upload of a run (uploader.h), for one that has that behind it. An upload that was
// started is answered first: its TXID is not for another object. Who is going to end, or has no file that can be read,
// does it at the next start, or when it can.
void Client::mend_backup() {
  if (!mend_wanted_ || flushing_ || away() || waiting_ || !blocked_.empty()) return;
  if (uploader_.state() != UploadState::idle || !contacted_ || reading_bucket_) return;
  base::log::error("the bucket has lost objects that a restore needs; it is asked where to go on",
                   {{"client", record_.id.value}, {"stored", record_.txid.value}});
  need_base("objects are missing in the bucket");
  given_ = std::max({given_, record_.txid, record_.attempted});
  if (!start_over()) return wake_at(context_.clock->steady_now() + kLocalFailureRetry);
  bump(context_.probe->repaired_chains);
  replace_chain_ = mend_wanted_ == Mend::damaged;
  mend_wanted_.reset();
}

// Where no condition holds it back, the upload of an earlier run may arrive at any time, whatever was stored there
// meanwhile. If it is not there by now its TXID is given to nothing else: a snapshot above it begins, which no restore
// of what follows goes behind. Nothing is recorded before that is stored, so a crash in between comes back to here.
void Client::leave_attempted_txid() {
  given_ = record_.attempted;
  record_.txid = record_.attempted = {};
  record_.index_valid = false;
  record_.position = {};
  record_.fingerprint = {};
}

// As if nothing were known here: the bucket says where to go on.
bool Client::start_over() {
  if (auto recorded = context_.ledger->start_over(record_.row); !recorded) {
    report(recorded.error(), "recording that the bucket is asked anew");
    return false;
  }
  if (context_.upkeep != nullptr) context_.upkeep->forget_bytes(record_.id);
  record_.txid = record_.attempted = {};
  record_.index_valid = false;
  record_.position = {};
  record_.fingerprint = {};
  contacted_ = false;
  base_due_ = context_.clock->steady_now();
  return true;
}

// False: not now (blocked, waiting, no place); base_due_ says when again.
bool Client::prepare_base() {
  auto info = inspect_database(record_.path, *context_.closer);
  const base::SteadyTime now = context_.clock->steady_now();
  if (!info) {
    report(info.error(), "opening the database");
    base_due_ = now + kLocalFailureRetry;
    return false;
  }
  waiting_ = info->kind == DatabaseKind::empty;
  if (waiting_ || info->kind == DatabaseKind::gone) {
    blocked_.clear();
    blocked_logged_.clear();
    base_due_ = now + kWaitingRetry;
    return false;
  }
  if (info->kind == DatabaseKind::refused) {
    block(info->reason, kBlockedRetry);
    return false;
  }
  database_bytes_ = info->stat.size_bytes;
  journal_mode_ = info->mode == JournalMode::wal ? "wal" : "rollback";
  if (info->mode == JournalMode::wal) seen_wal_mode_ = true;
  if (!take_base_place()) return false;
  std::vector<std::uint64_t> known;
  if (record_.index_valid) {
    auto index = context_.ledger->page_index(record_.row, record_.page_count);
    ltx::DatabaseChecksum sum;
    if (index) {
      for (const std::uint64_t checksum : *index) sum.toggle(checksum);
    }
    if (index && sum.value() == record_.database_checksum) known = std::move(*index);
  }
  // Page 1 always differs then, so that there is something to settle an unanswered upload with.
  if (record_.attempted > record_.txid && !known.empty()) known.front() = 0;
  base_job_ = std::make_unique<BaseJob>(record_.path, std::move(known), record_.page_size, tracker_, gathered_,
                                        *context_.closer, *context_.clock, *context_.probe);
  return true;
}

bool Client::take_base_place() {
  if (context_.memory->exceeded()) {  // what is captured already goes first
    base_job_.reset();
    gathered_.clear();
  } else {
    base_place_ = context_.base_jobs->try_take([this] { post(Command::place_free); });
  }
  if (!base_place_.held()) base_due_ = context_.clock->steady_now() + kPlaceRetry;
  return base_place_.held();
}

void Client::run_base() {
  const base::SteadyTime started = context_.clock->steady_now();
  if (uploader_.state() != UploadState::idle || away()) return;
  if (base_due_ > started) return wake_at(base_due_);
  const bool ready = base_job_ ? base_place_.held() || take_base_place() : prepare_base();
  if (!ready) return wake_at(base_due_);
  // The job is out of need_base()'s reach while it runs: mail that it drains may call that.
  std::unique_ptr<BaseJob> job = std::move(base_job_);
  Places::Place place = std::move(base_place_);
  base_void_ = false;
  BaseResult result;
  do {
    auto slice = job->slice();
    if (!slice) {
      report(slice.error(), "reading the database");
      result = {BaseProgress::wait, slice.error().message, kLocalFailureRetry, 0};
      break;
    }
    result = std::move(*slice);
    commits_ += result.commits;
  } while (result.progress == BaseProgress::more && result.retry_after.count() == 0 && !base_void_ &&
           context_.clock->steady_now() - started < kSliceTime);
  if (base_void_) return wake_at(base_due_);

  const base::SteadyTime now = context_.clock->steady_now();
  switch (result.progress) {
    case BaseProgress::more:
      base_job_ = std::move(job);
      base_place_ = std::move(place);
      base_due_ = now + result.retry_after;
      break;
    case BaseProgress::done:
      return on_base_done(*job);
    case BaseProgress::wait:
      if (!result.reason.empty() && result.retry_after >= std::chrono::seconds(1)) {
        block(result.reason, std::chrono::duration_cast<milliseconds>(result.retry_after));
        gathered_.clear();
        break;
      }
      base_job_ = std::move(job);  // with what it has read so far, but others may use the place meanwhile
      if (tracker_.kept_until()) {
        base_place_ = std::move(place);
        base_due_ = now + result.retry_after;
        break;
      }
      // A log that is being opened is there in a moment; a hot journal waits for its application for ever.
      base_due_ = now + std::max<std::chrono::microseconds>(
                            result.retry_after,
                            std::chrono::microseconds(100) * (1U << std::min(base_waits_++, kWaitShiftMax)));
      break;
    case BaseProgress::overtaken: {
      base_job_ = std::move(job);  // and others may use the place meanwhile
      ++base_attempts_;
      tracker_.allow_long_pin(base_attempts_ >= kLongPinAfter);
      base_due_ = now + milliseconds(2) * (1U << std::min(base_attempts_, kBackoffShiftMax));
      if (base_attempts_ >= kKeepLogAfter && keep_log_for_base()) base_due_ = now;
      if (tracker_.kept_until()) base_place_ = std::move(place);
      break;
    }
    case BaseProgress::refused:
      gathered_.clear();
      block(result.reason, kBlockedRetry);
      break;
  }
  wake_at(base_due_);
}

void Client::on_base_done(const BaseJob& job) {
  page_size_ = job.page_size();
  page_count_ = job.page_count();
  base_is_image_ = job.is_image() && !(record_.index_valid && record_.page_size == page_size_);
  tracker_.note_fingerprint(job.fingerprint());
  const bool rollback = job.mode() == JournalMode::rollback;
  tracker_.allow_long_pin(false);
  tracker_.let_log_go();
  base_needed_ = false;
  base_done_ = true;
  base_attempts_ = 0;
  base_waits_ = 0;
  if (flushing_) flush_captured_ = true;
  trouble_.clear();
  blocked_.clear();
  blocked_logged_.clear();
  track_pending_ = true;
  track_due_ = context_.clock->steady_now();
  bump(base_is_image_ ? context_.probe->images : context_.probe->diffs);
  if (!base_is_image_) ++diffs_;
  base::log::debug("database read", {{"client", record_.id.value}, {"why", base_reason_}, {"pages", gathered_.size()}});
  if (rollback) wake_at(std::max(switch_due_, track_due_ + milliseconds(1000)));
  adopt_bucket_state();
}

// No local state, but the bucket's newest object says what the database must look like: if it does, nothing is
// uploaded. Else the bucket's pages are read, if that costs less than another image.
void Client::adopt_bucket_state() {
  if (!bucket_) return;
  BucketPosition bucket = *std::exchange(bucket_, std::nullopt);
  if (bucket.newest.value == 0 || !bucket.restorable || !base_is_image_) return;
  if (adopt_unchanged(bucket)) return;
  if (bucket.page_size != page_size_ || !worth_reading(gathered_.payload_bytes(), bucket.plan)) return;
  reading_bucket_ = true;
  context_.in_background([this, store = context_.store, plan = std::move(bucket.plan)](const std::stop_token& stop) {
    post(IndexAnswer{read_remote_index(*store, plan, {std::nullopt, stop})});
  });
}

bool Client::adopt_unchanged(const BucketPosition& bucket) {
  if (!bucket.provenance || bucket.page_size != page_size_ || bucket.page_count != page_count_) return false;
  ltx::DatabaseChecksum sum;
  Acknowledgement ack;
  for (const PageSet::Page& page : gathered_.pages()) {
    sum.toggle(page.checksum);
    ack.pages.push_back({page.number, page.checksum});
  }
  if (sum.value() != bucket.provenance->database_checksum) return false;
  ack.txid = bucket.newest;
  ack.database_checksum = sum.value();
  ack.page_size = page_size_;
  ack.page_count = page_count_;
  ack.replaces_index = true;
  ack.position = tracker_.position();
  ack.fingerprint = tracker_.fingerprint();
  ack.fingerprint.complete = false;
  ack.at = context_.clock->unix_now();
  if (!adopt_into_ledger(ack)) return true;
  gathered_.clear();
  base_done_ = false;
  base::log::info("the bucket holds this very state already", {{"client", record_.id.value}, {"txid", ack.txid.value}});
  return true;
}

// What was known before is void: the bucket was asked because it is not known, or not what it was thought to be.
// Where the listing is void, upkeep makes one of its own.
base::Result<> Client::record_listing(const ListingUnderWay& listing, const std::vector<history::Object>& listed) {
  TRY(context_.ledger->inventory().distrust(record_.row));
  TRY(context_.ledger->inventory().record_listing(listing, listed));
  return {};
}

// What was gathered meanwhile becomes a diff against it.
void Client::on_index(const IndexAnswer& answer) {
  reading_bucket_ = false;
  if (!answer.index) {
    const base::Error& error = answer.index.error();
    if (error.category == base::Category::corrupt) {
      base::log::error("the backup is damaged, a snapshot replaces it",
                       {{"client", record_.id.value}, {"reason", error}});
      bump(context_.probe->repaired_chains);
      chain_broken_ = true;
      return;
    }
    report(error, "reading the backup for a comparison");
    contacted_ = false;  // it may look different by now
    base_due_ = context_.clock->steady_now() + kLocalFailureRetry;
    return;
  }
  const RemoteIndex& index = *answer.index;
  Acknowledgement ack;
  ack.txid = index.txid;
  ack.database_checksum = index.database_checksum;
  ack.page_size = index.page_size;
  ack.page_count = static_cast<std::uint32_t>(index.checksums.size());
  ack.replaces_index = true;
  ack.at = context_.clock->unix_now();
  for (std::uint32_t page = 1; page <= ack.page_count; ++page) ack.pages.push_back({page, index.checksums[page - 1]});
  if (adopt_into_ledger(ack)) base_is_image_ = false;
}

bool Client::adopt_into_ledger(const Acknowledgement& ack) {
  if (auto recorded = context_.ledger->acknowledge(record_.row, ack); !recorded) {
    report(recorded.error(), "recording what the bucket holds");
    return false;
  }
  record_.txid = ack.txid;
  record_.attempted = std::max(record_.attempted, ack.txid);
  record_.database_checksum = ack.database_checksum;
  record_.page_size = ack.page_size;
  record_.page_count = ack.page_count;
  record_.index_valid = true;
  record_.position = ack.position;
  record_.last_replicated = ack.at;
  return true;
}

}  // namespace engine
