// Litestream 0.5.17's own schedule in the model, by docs/decisions/0011: L1 each 30 s, L2 each 5 min, L3 each hour, a
// snapshot each day, level 0 kept for 5 minutes, snapshots for a day; timers, whether or not anything happens.
#pragma once

#include "daemon.h"
#include "pattern.h"

namespace history::model {

class Litestream {
 public:
  explicit Litestream(const Pattern& pattern) : written_(pattern) {}

  void commit(const Commit& commit);
  void pass(base::UnixMillis now);

  [[nodiscard]] const Inventory& inventory() const { return inventory_; }
  [[nodiscard]] const Written& written() const { return written_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
  void store(const Object& object);
  void fire(base::UnixMillis now);
  void merge(std::uint8_t level, base::UnixMillis now);
  void remove_level_0(base::UnixMillis now);
  void snapshot(base::UnixMillis now);
  void measure(base::UnixMillis now);

  Written written_;
  Inventory inventory_;
  base::UnixMillis now_ = kStart;
  std::uint64_t stored_bytes_ = 0;
  Figures figures_;
};

}  // namespace history::model
