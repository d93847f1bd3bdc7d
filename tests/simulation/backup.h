// What one tenant's prefix in the bucket holds, judged request by request: an object that extends the backup must make
// it a committed state (history.h); a merged one must lead from the state before it to the state at its end, page by
// page; and whatever is removed, the newest state and every point that the policy keeps can still be restored, by the
// plan that Litestream would make.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "history.h"
#include "history/object.h"
#include "history/retention.h"

namespace simulation {

class Backup {
 public:
  // What is checked of retention. `slots`: also that the last point of each hour stays; not so once the daemon had to
  // learn from a listing when its objects were made.
  struct Promise {
    history::RetentionPolicy policy;
    bool slots = true;
  };

  // Each says what is wrong; empty: nothing.
  std::string on_object(const storage::LtxName& name, const base::Bytes& bytes, History& history);
  std::string on_removed(const storage::LtxName& name, base::UnixMillis now, const Promise& promise);
  // Objects of the plan that restores the newest state.
  [[nodiscard]] std::size_t plan_length() const;

  std::uint64_t merged = 0, snapshots = 0, removed = 0;

 private:
  struct State {
    std::uint32_t page_size = 0;
    std::vector<std::uint64_t> pages;  // LTX page checksums, by page number - 1
    base::UnixMillis made_at{0};
  };
  std::string apply(const base::Bytes& bytes, State& state) const;
  [[nodiscard]] bool restorable(std::uint64_t txid) const;

  history::Inventory objects_;
  std::map<std::uint64_t, State> states_;  // of every TXID that a backup ever ended at
};

}  // namespace simulation
