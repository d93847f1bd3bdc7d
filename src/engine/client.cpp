#include "engine/client.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/foreign.h"
#include "engine/upkeep.h"

namespace engine {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRestCheck{1000};  // after the last activity: is there a fingerprint to keep?
constexpr milliseconds kLocalFailureRetry{5000};
constexpr milliseconds kBlockedRetrySoon{1000};  // events of a blocked database may mean that the cause is gone

}  // namespace

Client::Client(ClientRecord record, const ClientContext& context, NewPolicy policy, std::function<void()> wake)
    : record_(std::move(record)),
      context_(context),
      wake_(std::move(wake)),
      policy_(std::move(policy)),
      tracker_(record_.path, {context.clock, context.stream, context.closer, context.probe, [this] { drain(); }}),
      gathered_(context.options.staging_directory, context.options.page_set_memory_bytes),
      uploader_(*context.store, *context.ledger, *context.clock, *context.probe, context.run_began,
                [this](StoreAnswer answer) { post(std::move(answer)); }),
      lost_points_(policy_->sync_interval) {
  if (context_.upkeep != nullptr) context_.upkeep->set_policy(record_.row, policy_);
  if (context_.late_uploads_overwrite && record_.attempted > record_.txid) leave_attempted_txid();
  contacted_ = record_.txid.value > 0;
  tracker_.resume(record_.position, record_.fingerprint);
  page_size_ = record_.page_size;
  page_count_ = record_.page_count;
  // A position without a page index behind it would be of no use.
  if (contacted_ && !record_.index_valid) need_base("no page index");
  // An upload whose answer is unknown may have arrived or may yet arrive: the same TXID has to be settled first.
  if (contacted_ && record_.attempted > record_.txid) need_base("an upload was under way at the last stop");
}

Client::~Client() {
  context_.memory->change(-accounted_);
}

void Client::post(Mail mail) {
  mailbox_.post(std::move(mail));
  wake_();
}

void Client::drain() {
  for (Mail& mail : mailbox_.take()) on_mail(mail);
}

void Client::on_mail(Mail& mail) {
  if (auto* event = std::get_if<FileEvent>(&mail)) {
    on_file_event(std::move(*event));
  } else if (auto* answer = std::get_if<StoreAnswer>(&mail)) {
    on_store(std::move(*answer));
  } else if (auto* bucket = std::get_if<BucketAnswer>(&mail)) {
    on_bucket(*bucket);
  } else if (auto* index = std::get_if<IndexAnswer>(&mail)) {
    on_index(*index);
  } else if (const auto* moved = std::get_if<NewPath>(&mail)) {
    record_.path = moved->path;
    tracker_.move_to(moved->path);
    record_place();
    need_base("the database is at another path");
  } else if (auto* policy = std::get_if<NewPolicy>(&mail)) {
    on_policy(std::move(*policy));
  } else if (const auto* mend = std::get_if<Mend>(&mail)) {
    mend_wanted_ = mend_wanted_ == Mend::damaged ? Mend::damaged : *mend;
  } else {
    on_command(std::get<Command>(mail));
  }
}

void Client::on_file_event(FileEvent event) {
  const base::SteadyTime now = context_.clock->steady_now();
  last_activity_ = now;
  resting_ = false;
  if (base_waits_ > 0 && event.kind != FileEventKind::checked) {
    base_waits_ = 0;
    base_due_ = std::min(base_due_, now + milliseconds(1));
  }
  if (waiting_) base_due_ = std::min(base_due_, now);
  if (!blocked_.empty()) base_due_ = std::min(base_due_, now + kBlockedRetrySoon);
  track_due_ = event.kind == FileEventKind::log_modified ? std::max(track_due_, now) : now;
  if (event.kind == FileEventKind::log_modified && track_due_ - now > milliseconds(5)) track_due_ = now;
  track_pending_ = true;
  if (event.kind == FileEventKind::database_modified || event.kind == FileEventKind::journal_touched) {
    switch_due_ = now + kRestCheck;
  }
  // Nothing is captured until the store is back and a diff is made: events tell that there was something.
  if (base_needed_ && event.kind == FileEventKind::log_modified) lost_points_.changed(context_.clock->unix_now());
  tracker_.on_event(std::move(event));
}

void Client::record_place() {
  record_.removed.reset();
  auto recorded = context_.ledger->find_or_create(record_.id, record_.path, context_.clock->unix_now());
  if (!recorded) report(recorded.error(), "recording where the database is");
}

void Client::on_command(Command command) {
  if (command == Command::place_free) {
    base_due_ = std::min(base_due_, context_.clock->steady_now());
    return;
  }
  track_pending_ = true;
  track_due_ = context_.clock->steady_now();
  switch (command) {
    case Command::appear:
      present_ = true;
      if (record_.removed) record_place();
      break;
    case Command::removed:
      record_.removed = context_.clock->unix_now();
      if (auto recorded = context_.ledger->record_removed(record_.row, *record_.removed); !recorded) {
        report(recorded.error(), "recording that the file was removed");
      }
      break;
    case Command::vanish:
      present_ = false;
      tracker_.detach("the file is gone");
      break;
    case Command::flush:
      flushing_ = true;
      last_upload_ = base::SteadyTime::min();
      base_due_ = {};
      blocked_.clear();  // the cause may be gone: only what the next look finds counts
      tracker_.on_event({FileEventKind::checked, 0, {}});
      uploader_.retry(record_);
      break;
    case Command::take_over:
      take_over();
      break;
    case Command::place_free:
      break;
  }
}

// The operator says that this host is the one to go on. No force is needed: the history in the bucket is continued
// where it ends now, and the other writer meets our object at its next TXID.
void Client::take_over() {
  if (!uploader_.conflict()) {
    base::log::info("nothing to take over: no other writer is known", {{"client", record_.id.value}});
    return context_.takeover_answered(record_.id);
  }
  const Conflict conflict = *uploader_.conflict();
  if (!start_over()) return;
  base::log::warn("takes the backup over by the operator's word",
                  {{"client", record_.id.value}, {"from", writer_text(conflict)}});
  bump(context_.probe->takeovers);
  uploader_.forget_conflict();
  if (context_.upkeep != nullptr) context_.upkeep->resume(record_.row);
  context_.takeover_answered(record_.id);
}

void Client::need_base(std::string why) {
  tracker_.release_pin();
  tracker_.let_log_go();
  base_job_.reset();
  base_void_ = true;
  base_place_.leave();
  base_done_ = false;
  base_needed_ = true;
  base_reason_ = std::move(why);
  gathered_.clear();
  const base::SteadyTime now = context_.clock->steady_now();
  base_due_ = flushing_ ? now : std::max(now, last_upload_ + policy_->sync_interval);
}

void Client::block(std::string why, milliseconds retry) {
  if (why != blocked_logged_) {
    blocked_logged_ = why;
    base::log::warn("database cannot be captured", {{"client", record_.id.value}, {"reason", why}});
  }
  blocked_ = std::move(why);
  base_due_ = context_.clock->steady_now() + (flushing_ ? std::min(retry, kBlockedRetrySoon) : retry);
}

void Client::report(const base::Error& error, std::string_view operation) {
  const std::string text = std::string(operation) + ": " + error.message;
  if (text != trouble_) base::log::error("local failure", {{"client", record_.id.value}, {"reason", text}});
  trouble_ = text;
}

void Client::wake_at(base::SteadyTime when) {
  next_ = next_ ? std::min(*next_, when) : when;
}

bool Client::all_stored() const {
  if (away() || waiting_ || !blocked_.empty()) return !uploader_.has_frozen() && !has_captured();
  return contacted_ && !reading_bucket_ && uploader_.state() == UploadState::idle && !base_needed_ && !has_captured() &&
         trouble_.empty() && mailbox_.empty();
}

std::optional<base::SteadyTime> Client::step() {
  next_.reset();
  drain();
  if (flushed()) return std::nullopt;
  if (policy_->paused) tracker_.detach("paused");  // it goes on counting lives, without a descriptor
  if (uploader_.state() != UploadState::conflict) {
    mend_backup();
    const bool reachable = contact_bucket();
    capture();
    if (reachable && base_needed_) run_base();
    if (reachable) upload();
    switch_when_quiet();
    let_log_go_in_time();
    clear_left_log();
    rest_if_quiet();
    note_flushed();
  } else {
    tracker_.detach("another writer owns the prefix");
    gathered_.clear();
  }
  shut_out_.store(uploader_.state() == UploadState::conflict, std::memory_order_relaxed);
  account_memory();
  publish();
  return next_;
}

bool Client::contact_bucket() {
  if (contacted_ || policy_->paused) return contacted_;
  if (!contacting_ && base_due_ <= context_.clock->steady_now()) {
    contacting_ = true;
    listing_ = context_.ledger->inventory().begin_listing(record_.row);
    find_bucket_position(*context_.store, storage::replica_path(record_.id),
                         [this](base::Result<BucketPosition> found) { post(BucketAnswer{std::move(found)}); });
  }
  if (!contacting_) wake_at(base_due_);
  return false;
}

void Client::on_bucket(const BucketAnswer& answer) {
  contacting_ = false;
  const auto listing = std::exchange(listing_, nullptr);
  if (!answer.position) {
    report(answer.position.error(), "asking the bucket where to go on");
    base_due_ = context_.clock->steady_now() + kLocalFailureRetry;
    return;
  }
  if (auto recorded = record_listing(*listing, answer.position->objects); !recorded) {
    report(recorded.error(), "recording what the bucket holds");
    base_due_ = context_.clock->steady_now() + kLocalFailureRetry;
    return;
  }
  trouble_.clear();
  contacted_ = true;
  uploader_.trust_bucket();
  bucket_ = *answer.position;
  bucket_->objects = {};
  if (std::exchange(replace_chain_, false) && bucket_->newest.value > 0) bucket_->restorable = false;
  if (const base::Txid given = std::exchange(given_, {}); bucket_->newest < given) {
    bucket_->newest = given;
    bucket_->restorable = false;
  }
  chain_broken_ = !bucket_->restorable;
  record_.txid = bucket_->newest;
  record_.page_size = bucket_->page_size;
  record_.page_count = bucket_->page_count;
  record_.index_valid = false;
  need_base(bucket_->newest.value == 0 ? "first backup" : "no local state, the bucket has a backup");
}

// Takes what the log has. Everything else that a step does builds on where this leaves the position.
void Client::capture() {
  const base::SteadyTime now = context_.clock->steady_now();
  if (away() || base_needed_ || !contacted_ || !track_pending_) return;
  if (track_due_ > now && !flushing_) return wake_at(track_due_);
  track_pending_ = false;  // before the step: mail that it drains asks for another one
  auto tracked = tracker_.step(gathered_);
  if (!tracked) {
    report(tracked.error(), "reading the log");
    tracker_.lose_position(tracked.error().message);
    need_base(tracked.error().message);
    base_due_ = now + kLocalFailureRetry;
    return;
  }
  commits_ += tracked->commits;
  if (tracked->took_pages) {
    lost_points_.changed(context_.clock->unix_now());
    last_activity_ = now;
    resting_ = false;
    page_size_ = tracker_.page_size();
    page_count_ = tracker_.page_count().value_or(page_count_);
  }
  switch (tracked->outcome) {
    case TrackOutcome::quiet:
      if (track_pending_) wake_at(track_due_);
      break;
    case TrackOutcome::unsettled:
      track_pending_ = true;
      track_due_ = context_.clock->steady_now() + tracked->retry_after;
      wake_at(track_due_);
      break;
    case TrackOutcome::gap:
      need_base(tracked->reason);
      break;
    case TrackOutcome::blocked:
      need_base(tracked->reason);
      block(tracked->reason, std::chrono::duration_cast<milliseconds>(tracked->retry_after));
      break;
  }
  if (flushing_ && !base_needed_ && tracked->looked) flush_captured_ = true;
}

// A busy application goes on committing: what counts is what it had committed when the flush began. A database that has
// a backup and cannot be captured now (its application holds it exclusively) may have commits that nobody else knows
// of.
void Client::note_flushed() {
  if (!flushing_) return;
  const bool never_captured = !blocked_.empty() && record_.txid.value == 0;
  const bool nothing_to_look_at = away() || waiting_ || never_captured;
  if (all_stored() && (flush_captured_ || nothing_to_look_at)) flushed_.store(true, std::memory_order_release);
}

void Client::on_store(StoreAnswer answer) {
  auto news = uploader_.on_answer(std::move(answer), record_);
  if (!news) return report(news.error(), "recording an upload");
  switch (*news) {
    case UploadNews::stored:
      note_outage_over();
      chain_broken_ = false;
      if (flush_upload_) flushed_.store(true, std::memory_order_release);
      trouble_.clear();
      last_activity_ = context_.clock->steady_now();
      resting_ = false;
      base::log::debug("stored", {{"client", record_.id.value}, {"txid", record_.txid.value}});
      break;
    case UploadNews::adopted:
      note_outage_over();
      base::log::info("found an earlier upload of ours in the bucket and went on from it",
                      {{"client", record_.id.value}, {"txid", record_.txid.value}});
      need_base("an earlier upload was found in the bucket");
      break;
    case UploadNews::history_lost:
      need_base("objects are missing in the bucket");
      start_over();
      break;
    case UploadNews::failed:
      upload_failed_ = true;
      base::log::warn("upload failed, will be repeated",
                      {{"client", record_.id.value}, {"reason", uploader_.detail()}});
      break;
    case UploadNews::conflict:
      note_outage_over();
      base::log::error("conflict", {{"client", record_.id.value},
                                    {"writer", to_string(uploader_.conflict()->writer)},
                                    {"lineage", base::hex16(uploader_.conflict()->lineage)},
                                    {"reason", uploader_.detail()}});
      break;
    case UploadNews::none:
      break;
  }
  tell_upkeep();
}

void Client::tell_upkeep() {
  std::vector<StoredObject> objects = uploader_.take_stored();
  if (context_.upkeep == nullptr) return;
  for (StoredObject& stored : objects) {
    context_.upkeep->stored(record_.row, record_.id, stored.object, std::move(stored.body));
  }
  if (uploader_.state() == UploadState::conflict) context_.upkeep->halt(record_.row);
}

void Client::note_outage_over() {
  const LostPoints lost = lost_points_.upload_ended(context_.clock->unix_now(), upload_failed_);
  upload_failed_ = false;
  if (lost.count == 0) return;
  base::log::warn("the store was away: the newest state is stored, restore points in between are not",
                  {{"client", record_.id.value},
                   {"lost", lost.count},
                   {"since", base::to_rfc3339(lost.since)},
                   {"until", base::to_rfc3339(lost.until)}});
}

void Client::upload() {
  const base::SteadyTime now = context_.clock->steady_now();
  if (uploader_.state() == UploadState::waiting) {
    if (uploader_.next_attempt() <= now) return uploader_.retry(record_);
    return wake_at(uploader_.next_attempt());
  }
  if (uploader_.state() != UploadState::idle || base_needed_ || !has_captured() || reading_bucket_) return;
  if (!flushing_ && !away() && last_upload_ + policy_->sync_interval > now) {
    return wake_at(last_upload_ + policy_->sync_interval);
  }
  BuildInput input;
  input.acknowledged = &record_;
  input.pages = &gathered_;
  input.page_size = page_size_;
  input.page_count = page_count_;
  input.full_image = base_done_ && base_is_image_;
  input.chain_broken = chain_broken_;
  input.closer = context_.closer;
  input.must_store = record_.attempted > record_.txid;
  input.position = tracker_.position();
  input.fingerprint = tracker_.fingerprint();
  input.fingerprint.complete = false;  // says who touched the file, not that nothing is missing
  input.now = context_.clock->unix_now();
  input.lineage = context_.ledger->lineages().current();
  input.database = record_.path;
  input.staging_directory = context_.options.staging_directory;
  auto built = build_object(input, *context_.ledger);
  if (!built) {
    report(built.error(), "making an object");
    need_base(built.error().message);
    base_due_ = now + kLocalFailureRetry;
    return;
  }
  gathered_.clear();
  base_done_ = false;
  if (!*built) return;
  last_upload_ = now;
  flush_upload_ = flushing_ && (flush_captured_ || away());
  lost_points_.upload_started(context_.clock->unix_now());
  if (auto started = uploader_.start(std::move(**built), record_); !started) {
    report(started.error(), "recording an upload");
    need_base(started.error().message);
    base_due_ = now + kLocalFailureRetry;
  }
}

void Client::rest_if_quiet() {
  const base::SteadyTime now = context_.clock->steady_now();
  const bool busy = base_needed_ || !contacted_ || uploader_.state() != UploadState::idle || has_captured() ||
                    track_pending_ || resting_ || away();
  if (busy) return;
  const milliseconds quiet = tracker_.attached() ? context_.options.cold_after : kRestCheck;
  if (last_activity_ + quiet > now && !flushing_) return wake_at(last_activity_ + quiet);
  rest_closed_or_cold();
}

// The fingerprint first, then the proof that all was captured when it was taken, then letting go.
void Client::rest_closed_or_cold() {
  const auto stat = os::stat_path(record_.path);
  if (!stat) return;
  database_bytes_ = stat->size_bytes;
  const base::UnixMillis taken = context_.clock->unix_now();
  if (!context_.stream->wait_delivered(context_.stream->mark())) {
    return wake_at(context_.clock->steady_now() + kRestCheck);
  }
  drain();
  if (track_pending_) return wake_at(context_.clock->steady_now());
  auto tracked = tracker_.step(gathered_);
  if (!tracked || tracked->outcome == TrackOutcome::gap) {
    need_base(tracked ? tracked->reason : tracked.error().message);
    return wake_at(base_due_);
  }
  commits_ += tracked->commits;
  if (tracked->took_pages) {
    page_size_ = tracker_.page_size();
    page_count_ = tracker_.page_count().value_or(page_count_);
  }
  if (tracked->outcome != TrackOutcome::quiet || tracked->took_pages || track_pending_) {
    track_pending_ = true;
    return wake_at(context_.clock->steady_now());
  }
  const Fingerprint fingerprint = take_fingerprint(*stat, tracker_.all_backfilled(), taken);
  tracker_.go_cold(fingerprint);
  if (auto recorded = context_.ledger->record_quiet(record_.row, tracker_.position(), fingerprint); !recorded) {
    report(recorded.error(), "recording a quiet database");
    return wake_at(context_.clock->steady_now() + kLocalFailureRetry);
  }
  trouble_.clear();
  resting_ = !track_pending_;
}

void Client::account_memory() {
  const auto now = static_cast<std::int64_t>(gathered_.memory_bytes() + uploader_.memory_bytes());
  context_.memory->change(now - accounted_);
  accounted_ = now;
  context_.probe->pending_bytes.store(context_.memory->used(), std::memory_order_relaxed);
  // The local database is the truth: what does not fit is read from it again when the store is back.
  if (uploader_.state() == UploadState::waiting && !gathered_.empty() && context_.memory->exceeded()) {
    bump(context_.probe->dropped_captures);
    tracker_.lose_position("captures did not fit into memory while the store was away");
    need_base("captures did not fit into memory while the store was away");
    context_.memory->change(static_cast<std::int64_t>(uploader_.memory_bytes()) - accounted_);
    accounted_ = static_cast<std::int64_t>(uploader_.memory_bytes());
  }
}

}  // namespace engine
