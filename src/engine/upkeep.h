// Looks after what is in the bucket: merges small objects into larger ones, makes snapshots, and removes what retention
// no longer wants (what and when is decided by the history module; how is in upkeep_visit.h and remover.h).
//
// It works for one client after the other, a few at a time and each in small slices, on one thread of its own with
// lower priority, so that a capture never waits for it. It is told of each stored object, and of nothing else: while
// nothing is stored, all it has is one timer for retention.
//
// Failures end a visit and are repeated later, ever more rarely. Nothing that was done has to be undone: compaction
// only adds, and what is removed was not needed by any point that is kept.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "engine/client_policy.h"
#include "engine/holdings.h"
#include "engine/object_cache.h"
#include "engine/remover.h"
#include "engine/upkeep_shared.h"
#include "engine/upkeep_visit.h"
#include "history/compaction.h"
#include "history/retention_clock.h"

namespace engine {

// All of these outlive it. `wake` and `notice` may be called on any thread.
struct UpkeepContext {
  Ledger* ledger = nullptr;
  storage::ObjectStore* store = nullptr;
  const base::Clock* clock = nullptr;
  Probe* probe = nullptr;
  UpkeepOptions options;
  std::filesystem::path state_directory;  // for cache.db
  std::filesystem::path staging_directory;
  std::function<void()> wake;  // step() soon
  std::function<void(const std::string& topic, std::string text)> notice;
  HoldingsBook* holdings = nullptr;  // told what the bucket holds; none: nobody asks
};

class Upkeep {
 public:
  explicit Upkeep(UpkeepContext context);
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // Any thread. An object at level 0 (or a snapshot that replaces a chain) was acknowledged and recorded; `body` may be
  // null. Cost: a lock and a wake.
  void stored(std::int64_t row, const base::DatabaseId& id, const history::Object& object,
              std::shared_ptr<const storage::Body> body);
  // Any thread. What holds for the client from now on. Nothing is merged or removed before this was said, or while it
  // says "paused".
  void set_policy(std::int64_t row, NewPolicy policy);
  // Any thread. Another writer owns the prefix: nothing of it is touched any more in this run, unless the operator says
  // that it is ours.
  void halt(std::int64_t row);
  void resume(std::int64_t row);
  // Any thread. The inventory of the client was found to be wrong: it is unknown as soon as nothing that builds on it
  // is under way, and listed anew before anything else is done for the client.
  void list_anew(std::int64_t row);
  // Any thread. The client asks the bucket anew where it ends, and may give a name of an object a second time: of what
  // was stored under it nothing is kept.
  void forget_bytes(const base::DatabaseId& id);
  // Any thread. Nothing new is begun: the process ends.
  void wind_down();

  // Upkeep's thread. One slice for each client under way. When to call again without a wake.
  std::optional<base::SteadyTime> step();
  // Nothing is under way or waits for its turn.
  [[nodiscard]] bool at_rest();

 private:
  static constexpr std::chrono::hours kRetentionEvery{1};
  static constexpr std::chrono::seconds kFirstPause{30};  // after a failure; doubles

  struct Stored {
    std::int64_t row;
    base::DatabaseId id;
    history::Object object;
    std::shared_ptr<const storage::Body> body;
  };
  struct Inbox {
    std::vector<Stored> stored;
    std::vector<std::pair<std::int64_t, bool>> halted;  // or not any more
    std::vector<std::pair<std::int64_t, NewPolicy>> policies;
    std::vector<std::int64_t> doubted;
    std::vector<base::DatabaseId> forgotten;  // before what is stored
    std::vector<std::move_only_function<void()>> answers;
    std::uint64_t body_bytes = 0;
    bool winding_down = false;
  };
  struct Client {
    history::Due due;
    std::optional<base::SteadyTime> proven;
    std::optional<base::SteadyTime> retained;  // last looked at by retention in this run
    bool queued = false, active = false, halted = false;
    bool retention_due = false;
    bool again = false;      // something was stored while it was active
    bool held = false;       // to be queued when its policy permits
    bool pins_lost = false;  // which the operator was told
    bool crowded = false;    // nothing of it could be given up: too much waits already
    bool given_up = false;   // has objects that are `deleting` since an earlier run
    std::uint32_t failures = 0;
    std::vector<history::Object> unsettled;
  };
  using Delayed = std::pair<base::SteadyTime, std::int64_t>;

  void post(std::move_only_function<void()> answer);
  void load_unsettled();
  void seed_clock();
  void take_mail();
  void take_policies(std::vector<std::pair<std::int64_t, NewPolicy>>& policies);
  void set_halted(std::int64_t row, bool halted);
  void distrust_doubted();
  [[nodiscard]] const ClientPolicy* policy_of(std::int64_t row) const;
  void give_up(std::int64_t row, UpkeepVisit& visit);
  void settle_given_up(std::int64_t row, UpkeepVisit& visit);
  base::Result<> remove_given_up(std::int64_t row, UpkeepVisit& visit);
  base::Result<> reconsider_given_up(std::int64_t row);
  [[nodiscard]] std::size_t removal_room() const;
  [[nodiscard]] std::size_t crowd() const;
  [[nodiscard]] std::size_t due_wanted() const;
  void removed(std::int64_t row);
  void read_pins(std::int64_t row);
  void take_pins();
  void pins_changed(const std::vector<base::DatabaseId>& clients);
  void tell_lost_pins(std::int64_t row, UpkeepVisit& visit);
  void note_stored(const Stored& stored);
  void queue_due();
  void start_visits();
  void start_visit(std::int64_t row, const ClientPolicy& policy);
  bool run_visits();
  void end_visit(UpkeepVisit& visit);
  void failed(std::int64_t row, UpkeepVisit& visit);
  void enqueue(std::int64_t row);
  void delay(std::int64_t row, std::chrono::milliseconds by);
  // Between a full hour and what is due at it: the same for a client in every run, spread evenly over all of them.
  static std::chrono::milliseconds spread_of(std::int64_t row);
  base::UnixMillis retention_now();
  bool wants_retention(std::int64_t row, const Client& client, const ClientPolicy& policy);
  // `policy`: that was asked; none: nobody was.
  void plan_next_look(std::int64_t row, std::optional<base::UnixMillis> due, const ClientPolicy* policy = nullptr);
  std::optional<base::SteadyTime> next_timer();
  void count_cache();
  void look_at_holdings(std::int64_t row);

  UpkeepContext context_;
  ObjectCache cache_;
  UpkeepShared shared_;
  base::Guarded<Inbox> inbox_;
  std::shared_ptr<Remover> remover_;
  std::optional<HoldingsReader> holdings_;
  std::unordered_map<std::int64_t, Client> clients_;  // that something happened to in this run
  std::unordered_map<std::int64_t, NewPolicy> policies_;
  std::deque<std::int64_t> queue_;
  std::shared_ptr<PinReading> pin_reading_;
  std::vector<std::int64_t> waiting_for_pins_;
  std::set<std::int64_t> doubted_;  // whose inventory is wrong, by list_anew()
  std::set<Delayed> delayed_;
  std::vector<std::unique_ptr<UpkeepVisit>> visits_;
  bool winding_down_ = false;
  base::SteadyTime looked_for_due_{};
  std::optional<history::RetentionClock> retention_clock_;
  base::SteadyTime clock_advanced_{}, clock_saved_{};
};

}  // namespace engine
