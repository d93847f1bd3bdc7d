// Deletes objects that retention has given up, of all clients together: batches of up to a thousand keys, one at a
// time. Before each the pins are read, because one may have come since it was planned; of each batch one key is looked
// up afterwards, because some stores answer "deleted" and keep the object.
//
// The inventory calls an object `deleting` from before the first request until the store's word was checked, so after a
// crash the same deletion is asked for again, which is no error. Belongs to upkeep's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/inventory.h"
#include "engine/pin_reading.h"
#include "engine/upkeep_shared.h"

namespace engine {

class Remover : public std::enable_shared_from_this<Remover> {
 public:
  struct Listener {
    std::function<void(std::string)> notice;  // for the operator; an empty text takes it away
    // Pins were read again, and those of these clients are not what they were: what waits of them is to be given back.
    std::function<void(const std::vector<base::DatabaseId>&)> pins_changed;
    std::function<void(std::int64_t row)> removed = [](std::int64_t) {};  // something of this client is gone
  };
  Remover(UpkeepShared& shared, Listener listener) : shared_(shared), listener_(std::move(listener)) {}

  // Objects of one client that the inventory calls `deleting`, oldest first; no more than there is room().
  void add(std::int64_t row, const base::DatabaseId& client, const std::vector<history::Object>& objects);
  // How many more may wait: what does not fit is not to be given up yet.
  [[nodiscard]] std::size_t room() const;
  // Something of this client waits, or is being removed.
  [[nodiscard]] bool holds(std::int64_t row) const;
  // What waits of this client is not to be removed after all: it is `present` again. What the store was asked for may
  // be gone: the client's inventory is distrusted, so that the bucket is listed before anything is planned.
  void give_back(std::int64_t row);
  // Sends what is due. When to call again without an answer; nullopt: not before something is added.
  std::optional<base::SteadyTime> step();
  // The store refuses or pretends: nothing may be given up any more in this run.
  [[nodiscard]] bool busy() const { return busy_; }
  // The store has been asked to remove something of this client, and its word is not checked yet.
  [[nodiscard]] bool asks_for(std::int64_t row) const;
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  struct Item {
    UnsettledObject object;
    base::ObjectKey key;
    bool asked_for = false;  // the store was asked to remove it: whether it is still there only the bucket knows
  };
  void read_pins();
  void on_pins(base::Result<PinBook>& pins);
  void send();
  void on_removed(base::Result<std::vector<storage::RemoveFailure>> answer);
  void look_up();
  void on_head(base::Result<storage::ObjectHead> head);
  void finish_batch();
  void try_again_later(std::string why);
  void give_back_recalled();
  void make_present(std::int64_t row, const std::vector<Item>& items);
  void stop(std::string why);

  UpkeepShared& shared_;
  Listener listener_;
  std::shared_ptr<PinReading> reading_;
  std::deque<Item> waiting_;
  std::vector<Item> batch_;                    // under way
  std::unordered_set<std::int64_t> recalled_;  // rows of the batch that were to be given back
  bool busy_ = false;
  bool stopped_ = false;
  std::optional<base::SteadyTime> look_again_;  // the sample was still there
  base::SteadyTime due_{};                      // of what waits
  unsigned failures_ = 0;
};

}  // namespace engine
