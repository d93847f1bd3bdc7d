// What the bucket holds for each client, for people: kept in memory, read from the inventory once at start and again
// when upkeep has changed something. About 180 bytes a client; an idle one is looked at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "engine/bill.h"
#include "engine/guid.h"
#include "engine/ledger.h"
#include "engine/status.h"

namespace engine {

// Thread safe.
class HoldingsBook {
 public:
  // `changed` is called when somebody who looks should look again; on any thread, without a lock.
  HoldingsBook(Bill& bill, std::function<void()> changed) : bill_(bill), changed_(std::move(changed)) {}

  [[nodiscard]] std::optional<BucketHoldings> find(const Guid& client) const;
  // As the inventory says; `newest` is the newest transaction that is in it.
  void put(const Guid& client, BucketHoldings holdings, base::Txid newest);
  // One more object of new transactions. Nothing happens for one that put() knew already, or before the first put().
  void add(const Guid& client, const history::Object& object);
  void note_failure(const Guid& client, std::string text, base::UnixMillis at);
  void note_success(const Guid& client);

 private:
  struct Item {
    BucketHoldings holdings;
    base::Txid newest;
  };
  struct State {
    std::unordered_map<Guid, Item, GuidHash> clients;
    std::uint64_t objects = 0, bytes = 0;
  };
  void tell(const State& state);

  Bill& bill_;
  std::function<void()> changed_;
  base::Guarded<State> state_;
};

// Fills the book, a little at a time; upkeep's thread.
class HoldingsReader {
 public:
  HoldingsReader(Ledger& ledger, HoldingsBook& book, const base::Clock& clock)
      : ledger_(ledger), book_(book), clock_(clock) {}

  // The inventory of this client has changed.
  void look_at(std::int64_t row) { wanted_.push_back(row); }
  // True: there is more to read; call again soon. 20 to 100 us a client, no longer than `slice`.
  bool step(std::chrono::milliseconds slice);

 private:
  base::Result<> read(std::int64_t row);
  base::Result<bool> next();

  Ledger& ledger_;
  HoldingsBook& book_;
  const base::Clock& clock_;
  std::deque<std::int64_t> wanted_;
  std::optional<std::int64_t> reached_ = 0;  // of all clients, in a first round; none: it is over
};

}  // namespace engine
