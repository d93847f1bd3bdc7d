#include "engine/state_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/restore_choice.h"
#include "ltx/provenance.h"

namespace engine {
namespace {

using base::Category;

// Compaction and retention may remove planned objects while we fetch them; what they leave has a plan again.
constexpr int kPlansMax = 5;
constexpr std::uint64_t kRangeBytesMax = 1U << 20;

}  // namespace

StateIdentity identity_of(const ltx::Header& newest) {
  const auto provenance = ltx::provenance(newest);
  return {.txid = newest.max_txid,
          .page_size = newest.page_size,
          .pages = newest.commit,
          .stated_checksum = provenance ? provenance->database_checksum : 0,
          .timestamp = newest.timestamp};
}

StateReader::StateReader(storage::ObjectStore& store, std::string_view replica, const StateReadOptions& options,
                         DatabaseSink& sink)
    : store_(store), replica_(replica), options_(options), sink_(sink), every_byte_(options.every_byte) {}

std::optional<std::string> StateReader::object_at_fault() const {
  if (!at_fault_ || *at_fault_ >= plan_.size()) return std::nullopt;
  return plan_[*at_fault_].key.value;
}

base::Result<StateRead> StateReader::run(std::vector<history::BackupFile> plan) {
  plan_ = std::move(plan);
  resume();
  for (int plans = 1;; ++plans) {
    at_fault_.reset();
    auto done = read();
    if (done) break;
    if (plans == kPlansMax) return base::fail(std::move(done).error());
    TRY(mend(done.error()));
  }
  return std::move(result_);
}

void StateReader::resume() {
  if (options_.checkpoints == nullptr || every_byte_) return;
  auto saved = options_.checkpoints->load();
  if (!saved) return;
  assembled_ = saved->state;
  result_.resumed_bytes = saved->have.count() * saved->state.page_size;
  assembly_.emplace(sink_, saved->state.page_size, std::move(saved->have), saved->checksum);
}

base::Result<Survey> StateReader::survey_plan() {
  const SurveyOptions options{.parallel = options_.parallel,
                              .range_bytes_max = kRangeBytesMax,
                              .everything = every_byte_,
                              .have = assembly_ ? &assembly_->have() : nullptr,
                              .context = options_.context};
  return survey(store_, plan_, options, at_fault_);
}

base::Result<> StateReader::read() {
  TRY_ASSIGN(Survey found, survey_plan());
  if (assembly_ && assembled_ != identity_of(found.newest)) {
    TRY(start_over());
    TRY_ASSIGN(found, survey_plan());
  }
  TRY(assemble_for(found.newest));
  selective_ = found.reads.size() < plan_.size() ||
               std::ranges::any_of(found.reads, [](const ObjectRead& read) { return !read.whole; });
  const ReadOptions read_options{.parallel = options_.parallel,
                                 .range_bytes_max = kRangeBytesMax,
                                 .waiting_bytes_max = options_.waiting_bytes_max,
                                 .on_progress = options_.on_progress,
                                 .on_part = [this](PartEnd end, std::uint64_t bytes) -> base::Result<> {
                                   unsaved_bytes_ += bytes;
                                   return checkpoint(end);
                                 },
                                 .context = options_.context};
  result_.downloaded_bytes += found.asked_bytes + found.bytes;
  TRY(read_pages(store_, plan_, found, *assembly_, read_options, at_fault_));
  TRY(assembly_->finish());
  TRY(prove(found.newest));
  describe(found.newest);
  return {};
}

base::Result<> StateReader::assemble_for(const ltx::Header& newest) {
  if (assembly_) return {};
  assembled_ = identity_of(newest);
  assembly_.emplace(sink_, newest.page_size, newest.commit);
  return {};
}

// Pages of an object that was not read to its end are proven by the database's checksum only.
base::Result<> StateReader::checkpoint(PartEnd end) {
  if (options_.checkpoints == nullptr || unsaved_bytes_ < options_.checkpoint_bytes) return {};
  if (end == PartEnd::inside_an_object && assembled_.stated_checksum == 0) return {};
  unsaved_bytes_ = 0;
  TRY(assembly_->flush());
  return options_.checkpoints->save(assembled_, assembly_->have(), assembly_->checksum());
}

base::Result<> StateReader::prove(const ltx::Header& newest) {
  const std::uint64_t stated = identity_of(newest).stated_checksum;
  if (stated == 0) return {};
  result_.checksum_proven = stated == assembly_->checksum();
  if (result_.checksum_proven) return {};
  return base::fail(Category::corrupt,
                    fmt::format("{}: states database checksum {}, but the restored pages have {}",
                                plan_.back().key.value, base::hex16(stated), base::hex16(assembly_->checksum())));
}

void StateReader::describe(const ltx::Header& newest) {
  result_.txid = newest.max_txid;
  result_.timestamp = newest.timestamp;
  result_.page_size = newest.page_size;
  result_.pages = newest.commit;
  result_.database_checksum = assembly_->checksum();
  result_.objects = plan_.size();
}

base::Result<> StateReader::start_over() {
  assembly_.reset();
  result_.resumed_bytes = 0;
  if (options_.checkpoints != nullptr) TRY(options_.checkpoints->forget());
  return sink_.set_size(0);
}

// Makes the plan for another try, or returns why there is none.
base::Result<> StateReader::mend(const base::Error& error) {
  if (at_fault_ && error.category == Category::not_found) return plan_without_vanished(error);
  if (error.category != Category::corrupt) return base::fail(error);
  TRY(start_over());
  if (at_fault_) return options_.do_without_damaged ? plan_without_damaged(error) : base::fail(error);
  // The pages do not fit together, and not every byte was seen: the file checksums tell which object is to blame.
  if (!selective_ || every_byte_) return base::fail(error);
  every_byte_ = true;
  return {};
}

// Pages that are there keep their value as long as the state is the same, whichever objects it is made of.
base::Result<> StateReader::plan_without_vanished(const base::Error& error) {
  auto again =
      choose_restore(store_, replica_, {.txid = plan_.back().name.max, .before = {}}, damaged_, options_.context);
  if (!again && again.error().category == Category::not_found && !options_.target.txid) {
    again = choose_restore(store_, replica_, options_.target, damaged_, options_.context);
    TRY(start_over());
  }
  if (!again) return again.error().category == Category::not_found ? base::fail(error) : base::fail(again.error());
  if (again->generation) return base::fail(error);
  plan_ = std::move(again->plan);
  return {};
}

base::Result<> StateReader::plan_without_damaged(const base::Error& error) {
  damaged_.insert(plan_[*at_fault_].key.value);
  result_.damaged.push_back(error.message);
  auto again =
      choose_restore(store_, replica_, {.txid = plan_.back().name.max, .before = {}}, damaged_, options_.context);
  if (!again) {
    return base::fail(Category::corrupt,
                      fmt::format("{}. Without this object: {}", error.message, again.error().message));
  }
  plan_ = std::move(again->plan);
  return {};
}

}  // namespace engine
