// A daemon in the model: does at once what compaction asks for, and once an hour what retention allows.
#pragma once

#include <cstdint>
#include <optional>

#include "history/compaction.h"
#include "history/object.h"
#include "history/retention.h"
#include "pattern.h"

namespace history::model {

struct Figures {
  std::uint64_t puts = 0, gets = 0, lists = 0, heads = 0, deletes = 0;
  std::uint64_t uploaded_bytes = 0, downloaded_bytes = 0;
  std::uint64_t merges = 0, snapshots = 0;
  std::uint64_t stored_bytes_max = 0;
  std::size_t objects_max = 0;
  std::size_t plan_objects_max = 0;
  // Of the newest plan: its bytes by those of the database, where it has more than plan_bytes_floor.
  double plan_factor_max = 0;
  double stored_byte_days = 0;

  [[nodiscard]] std::uint64_t requests() const { return puts + gets + lists + heads + deletes; }
};

class Daemon {
 public:
  Daemon(const Pattern& pattern, RetentionPolicy policy, CompactionRules rules = {})
      : written_(pattern), policy_(policy), rules_(rules) {}

  void commit(const Commit& commit);
  // Lets time pass to `now` without a commit.
  void pass(base::UnixMillis now);

  [[nodiscard]] const Inventory& inventory() const { return inventory_; }
  [[nodiscard]] const Written& written() const { return written_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }
  [[nodiscard]] const std::optional<base::UnixMillis>& next_pass() const { return next_pass_; }

 private:
  void store(const Object& object);
  void compact(base::UnixMillis now);
  void retain(base::UnixMillis now);
  void measure();

  Written written_;
  RetentionPolicy policy_;
  CompactionRules rules_;
  Inventory inventory_;
  Due due_;
  std::optional<base::UnixMillis> next_pass_;
  base::UnixMillis measured_{0};
  std::uint64_t stored_bytes_ = 0;
  Figures figures_;
};

}  // namespace history::model
