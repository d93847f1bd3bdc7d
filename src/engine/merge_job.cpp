#include "engine/merge_job.h"

#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "storage/keys.h"

namespace engine {

namespace {

constexpr unsigned kPagesBetweenLooks = 8;  // at the clock; a page takes up to 30 us
constexpr std::chrono::seconds kRequestLimit{60};
constexpr std::uint64_t kSlowestBytesPerSecond = 32ULL << 10;

}  // namespace

storage::CallContext time_for(const base::Clock& clock, std::uint64_t bytes) {
  return {clock.steady_now() + kRequestLimit + std::chrono::seconds(bytes / kSlowestBytesPerSecond), {}};
}

MergeJob::MergeJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client, std::vector<history::Object> inputs,
                   base::Level level)
    : shared_(shared),
      row_(row),
      client_(std::move(client)),
      inputs_(std::move(inputs)),
      object_{inputs_.front().min, inputs_.back().max, 0, {}, {}, 0, level},
      key_(storage::ltx_key(shared.store.layout(), storage::replica_path(client_), history::name_of(object_))),
      fetch_(std::make_shared<InputFetch>(shared, client_, inputs_)) {}

bool MergeJob::fail(base::Error error) {
  result_ = std::unexpected(std::move(error));
  phase_ = Phase::failed;
  return false;
}

bool MergeJob::step() {
  auto more = advance();
  return more ? *more : fail(more.error().with_context("merging into " + key_.value));
}

base::Result<bool> MergeJob::advance() {
  switch (phase_) {
    case Phase::begin:
      phase_ = Phase::reading;
      fetch_->start();
      return true;
    case Phase::reading:
      if (!fetch_->finished()) return false;
      if (fetch_->error()) return base::fail(*fetch_->error());
      TRY(begin_merge());
      phase_ = Phase::merging;
      return true;
    case Phase::merging:
      return merge();
    case Phase::checking:
      return check();
    case Phase::storing:
    case Phase::stored:
    case Phase::failed:
      return false;
  }
  return false;
}

base::Result<> MergeJob::begin_merge() {
  std::vector<ltx::Source> sources;
  sources.reserve(inputs_.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i) sources.push_back(fetch_->source(i));
  merger_.emplace(std::move(sources));
  TRY_ASSIGN(header_, merger_->read_header());
  if (header_->min_txid != object_.min || header_->max_txid != object_.max) {
    return base::fail(base::Category::corrupt, "the inputs are not the ones that their names say");
  }
  object_.page_count = header_->commit;
  object_.created_at = header_->timestamp;
  writer_.emplace(shared_.staging_directory, shared_.options.light_bytes_max);
  encoder_.emplace(*header_, [this](base::ByteView part) { return writer_->append(part); });
  return {};
}

base::Result<bool> MergeJob::merge() {
  const base::SteadyTime until = shared_.clock.steady_now() + shared_.options.slice;
  do {
    for (unsigned i = 0; i < kPagesBetweenLooks; ++i) {
      TRY_ASSIGN(const auto page, merger_->next_page());
      if (page) {
        sum_.add(page->page_number, page->data);
        TRY(encoder_->add_page(page->page_number, page->data));
        continue;
      }
      TRY(merger_->finish());
      TRY(encoder_->finish());
      TRY_ASSIGN(body_, writer_->finish());
      object_.size_bytes = body_->size_bytes();
      content_ = sum_.content(*header_);
      merger_.reset();
      encoder_.reset();
      fetch_.reset();
      check_.emplace(source_of(body_), history::name_of(object_));
      phase_ = Phase::checking;
      return true;
    }
  } while (shared_.clock.steady_now() < until);
  return true;
}

base::Result<bool> MergeJob::check() {
  TRY_ASSIGN(const bool more, check_->step(shared_.clock, shared_.options.slice));
  if (more) return true;
  if (check_->content() != content_) {
    return base::fail(base::Category::io, "what was written is not what is read back; look for failing hardware");
  }
  check_.reset();
  TRY(send());
  return false;
}

base::Result<> MergeJob::send() {
  TRY(shared_.ledger.inventory().put(row_, object_, ObjectState::writing));
  sent_ = true;
  phase_ = Phase::storing;
  storage::PutRequest request;
  request.key = key_;
  request.body = body_;
  request.on_existing = storage::OnExisting::fail_with_conflict;
  request.litestream_timestamp = object_.created_at;
  shared_.store.put(std::move(request), time_for(shared_.clock, body_->size_bytes()),
                    [weak = weak_from_this(), post = shared_.post](base::Result<storage::PutResult> answer) {
                      post([weak, answer = std::move(answer)]() mutable {
                        if (const auto self = weak.lock()) self->on_put(std::move(answer));
                      });
                    });
  return {};
}

void MergeJob::on_put(base::Result<storage::PutResult> answer) {
  if (!answer) {
    fail(answer.error());
  } else if (auto recorded = record(); !recorded) {
    fail(recorded.error());
  }
}

base::Result<> MergeJob::record() {
  object_.stored_at = shared_.clock.unix_now();
  TRY(shared_.ledger.inventory().put(row_, object_, ObjectState::present));
  if (object_.size_bytes <= ObjectCache::kObjectBytesMax) {
    std::vector<CachedObject> cached{{client_.value, history::name_of(object_), base::Bytes(object_.size_bytes)}};
    if (body_->read_at(0, cached.front().bytes)) shared_.cache.put(cached);
  }
  std::vector<storage::LtxName> merged;
  merged.reserve(inputs_.size());
  for (const history::Object& input : inputs_) merged.push_back(history::name_of(input));
  shared_.cache.drop(client_.value, merged);
  const bool snapshot = object_.level == base::kSnapshotLevel;
  bump(snapshot ? shared_.probe.snapshots : shared_.probe.merges);
  bump(shared_.probe.upkeep_bytes_written, object_.size_bytes);
  base::log::debug(snapshot ? "snapshot stored" : "objects merged",
                   {{"client", client_.value}, {"object", key_.value}, {"inputs", inputs_.size()}});
  result_ = object_;
  phase_ = Phase::stored;
  return {};
}

}  // namespace engine
