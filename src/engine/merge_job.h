// Makes one object out of others and stores it: reads the inputs, merges them, reads the result back to see that it is
// whole, and puts it into the bucket unless something stands there. Adds an object and takes nothing away, so it may
// stop at any moment.
//
// Before the request is sent the inventory says `writing`, and `present` once it is answered. Memory: a page and some
// buffers per input, and up to UpkeepOptions::light_bytes_max of inputs and of output; more lies in the staging
// directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/input_fetch.h"
#include "engine/object_check.h"
#include "engine/staged_body.h"
#include "engine/upkeep_shared.h"
#include "history/object.h"
#include "ltx/encoder.h"
#include "ltx/merge.h"

namespace engine {

class MergeJob final : public UpkeepJob, public std::enable_shared_from_this<MergeJob> {
 public:
  // `inputs` ascending and adjacent.
  MergeJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client, std::vector<history::Object> inputs,
           base::Level level);

  bool step() override;
  [[nodiscard]] bool finished() const override { return phase_ == Phase::stored || phase_ == Phase::failed; }
  // After the end: what was stored, or why not. conflict: an object stands at that key, to be settled by looking at it
  // (adopt_job.h; content() tells what it has to hold). not_found, corrupt: an input is not what the inventory says.
  [[nodiscard]] const base::Result<history::Object>& result() const { return result_; }
  // The request was begun: the inventory says `writing` until the object is recorded or settled.
  [[nodiscard]] bool sent() const { return sent_; }
  [[nodiscard]] const ObjectContent& content() const { return content_; }
  [[nodiscard]] const history::Object& object() const { return object_; }

 private:
  enum class Phase : std::uint8_t { begin, reading, merging, checking, storing, stored, failed };
  base::Result<bool> advance();
  base::Result<> begin_merge();
  base::Result<bool> merge();
  base::Result<bool> check();
  base::Result<> send();
  void on_put(base::Result<storage::PutResult> answer);
  base::Result<> record();
  bool fail(base::Error error);

  UpkeepShared& shared_;
  std::int64_t row_;
  base::DatabaseId client_;
  std::vector<history::Object> inputs_;
  history::Object object_;
  base::ObjectKey key_;
  Phase phase_ = Phase::begin;
  std::shared_ptr<InputFetch> fetch_;
  std::optional<ltx::Merger> merger_;
  std::optional<ltx::Header> header_;
  std::optional<BodyWriter> writer_;
  std::optional<ltx::Encoder> encoder_;
  ContentSum sum_;
  ObjectContent content_;
  std::shared_ptr<const storage::Body> body_;
  std::optional<ObjectCheck> check_;
  bool sent_ = false;
  base::Result<history::Object> result_;
};

// Limits of a request that sends or reads so many bytes.
storage::CallContext time_for(const base::Clock& clock, std::uint64_t bytes);

}  // namespace engine
