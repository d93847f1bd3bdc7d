// Settles what stands at the key of an object that we wanted to store: the answer to our request was lost, the process
// ended before it came, or somebody else was first. A whole object with the right range joins the inventory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "engine/input_fetch.h"
#include "engine/object_check.h"
#include "engine/upkeep_shared.h"
#include "history/object.h"

namespace engine {

class AdoptJob final : public UpkeepJob, public std::enable_shared_from_this<AdoptJob> {
 public:
  // `expected`: what it must hold, where that is known.
  AdoptJob(UpkeepShared& shared, std::int64_t row, base::DatabaseId client, history::Object object,
           std::optional<ObjectContent> expected);

  bool step() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  // After the end: true: it is there, and in the inventory. False: nothing is there, and nothing in the inventory.
  // conflict: something else is there; it is not in the inventory, and stays where it is.
  [[nodiscard]] const base::Result<bool>& result() const { return result_; }

 private:
  void on_head(base::Result<storage::ObjectHead> head);
  base::Result<bool> check();
  base::Result<> forget();
  void end(base::Result<bool> result);

  UpkeepShared& shared_;
  std::int64_t row_;
  base::DatabaseId client_;
  history::Object object_;
  std::optional<ObjectContent> expected_;
  base::ObjectKey key_;
  bool asked_ = false;
  std::shared_ptr<InputFetch> fetch_;
  std::optional<ObjectCheck> check_;
  bool finished_ = false;
  base::Result<bool> result_ = false;
};

}  // namespace engine
