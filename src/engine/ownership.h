// Two questions to the bucket, asked at most once per client and run as a rule: what is there, and is it still ours?
// Both are jobs of upkeep (upkeep_shared.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/ledger.h"
#include "engine/upkeep_shared.h"
#include "history/object.h"

namespace engine {

// One flat listing below the client's prefix into the inventory: for a state database that knows the client, but not
// its objects. Some of them may be removed meanwhile (ListingUnderWay). conflict: the bucket is ahead of what this
// state database ever sent.
class ListJob final : public UpkeepJob, public std::enable_shared_from_this<ListJob> {
 public:
  ListJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client);
  bool step() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] const base::Result<>& result() const { return result_; }

 private:
  void list(std::string start_after);
  base::Result<> on_page(base::Result<storage::ListPage> page);
  base::Result<bool> record();

  UpkeepShared& shared_;
  std::int64_t row_;
  base::DatabaseId client_;
  std::string replica_;
  bool asked_ = false, finished_ = false;
  std::shared_ptr<ListingUnderWay> listing_;
  std::vector<history::Object> listed_;
  base::Result<> result_;
};

// Is the newest object at level 0 ours, and is nothing behind it? Whoever writes a prefix always leaves its newest
// object at level 0 (retention keeps everything that is as young as the newest), so a second writer shows here. One
// LIST of one key and one GET of a header. An own object that the store has just acknowledged is as good a proof.
class ProveJob final : public UpkeepJob, public std::enable_shared_from_this<ProveJob> {
 public:
  ProveJob(UpkeepShared& shared, base::DatabaseId client, history::Object newest);
  bool step() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  // conflict: somebody else writes here. not_found: the newest object is gone. Else the store's.
  [[nodiscard]] const base::Result<>& result() const { return result_; }

 private:
  base::Result<> on_list(base::Result<storage::ListPage> page);
  base::Result<> on_header(base::Result<base::Bytes> bytes) const;
  void end(base::Result<> result);

  UpkeepShared& shared_;
  base::DatabaseId client_;
  base::ObjectKey key_;
  bool asked_ = false, finished_ = false;
  base::Result<> result_;
};

}  // namespace engine
