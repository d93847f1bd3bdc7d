// One look at the pins of all clients: a LIST, and a GET of each that is new or was changed. A job of upkeep
// (upkeep_shared.h).
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "engine/bucket_pins.h"
#include "engine/upkeep_shared.h"

namespace engine {

class PinReading final : public UpkeepJob, public std::enable_shared_from_this<PinReading> {
 public:
  explicit PinReading(UpkeepShared& shared) : shared_(shared) {}

  bool step() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  // After the end: what there is. The store's errors: then nothing is known.
  [[nodiscard]] base::Result<PinBook>& result() { return result_; }

 private:
  void list(std::string start_after);
  void on_page(base::Result<storage::ListPage> page);
  void read_next();
  void on_pin(base::Result<base::Bytes> bytes);
  void end(base::Result<PinBook> result);

  UpkeepShared& shared_;
  bool asked_ = false, finished_ = false;
  base::SteadyTime began_{};
  PinBook found_;
  std::vector<std::string> unread_;  // keys
  base::Result<PinBook> result_;
};

}  // namespace engine
