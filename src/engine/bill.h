// What the bucket's provider will want to be paid for: each request by purpose and kind, of the fleet by month and
// hour, of each client since the start. Counted where requests are sent (storage::RequestObserver), so that retries and
// parts are in it; priced when somebody looks.
//
// Costs a lock and a look-up per request, about 130 bytes per client that asked for something in this run, and nothing
// for one that did not. No timers: months and hours change when the next request comes, or the next look.
//
// Thread safe. Observers may outlive the bill.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/guid.h"
#include "engine/status.h"
#include "history/cost.h"
#include "storage/object_store.h"

namespace engine {

class Bill {
 public:
  // `clock` outlives the bill and its observers.
  explicit Bill(const base::Clock& clock);

  // Nothing is priced until this was called: a directory has no bill. Any time.
  void set_prices(const history::PriceTable& prices);

  // For the context of one call, or of several with the same purpose. No guid: nobody in particular.
  [[nodiscard]] std::shared_ptr<storage::RequestObserver> charge(Purpose purpose, std::optional<Guid> client);

  // What the bucket holds now, of all clients.
  void set_stored(std::uint64_t objects, std::uint64_t bytes);

  [[nodiscard]] FleetBill fleet() const;
  // Without holdings; `stored_bytes` of it are priced.
  [[nodiscard]] ClientAccount account(const Guid& client, std::uint64_t stored_bytes) const;

  // The month and the last day, for the state database; anything that was not written by save() is passed over. Between
  // two runs the bucket goes on costing what it held.
  [[nodiscard]] std::string save() const;
  void restore(std::string_view saved);
  // Something was counted since the last save().
  [[nodiscard]] bool unsaved() const;

 private:
  struct Books;
  class Entry;
  std::shared_ptr<Books> books_;
};

}  // namespace engine
