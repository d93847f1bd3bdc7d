// What we have in the bucket, object by object, so that nobody has to ask the bucket: a table of the state database.
//
// A row is written in the transaction that records the acknowledgement of its object, before an object of a higher
// level is sent (`writing`) and before one is deleted (`deleting`), and goes when the store has confirmed the deletion.
// So after a crash the rows tell everything that may be in the bucket, and which of them have to be asked for.
//
// Rows of a client are complete once its listing was recorded (known()): at the first contact with a bucket, or, for a
// state database from before this table, the first time that upkeep looks at the client.
//
// Owned by the Ledger and as thread safe as that; long reads and writes let others in between. Errors are the ledger's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "history/object.h"

namespace sqlite {
class Connection;
}  // namespace sqlite

namespace engine {

enum class ObjectState : std::uint8_t { present = 0, writing = 1, deleting = 2 };

// An object whose state is not `present`, of any client.
struct UnsettledObject {
  std::int64_t row = 0;  // of the client
  history::Object object;
  ObjectState state = ObjectState::present;
};

// A listing of a client's objects, from before its first request until it is recorded; a second thread may have removed
// meanwhile what its pages still name. Whoever lists holds it, the table fills it.
class ListingUnderWay {
 public:
  explicit ListingUnderWay(std::int64_t row) : row_(row) {}

 private:
  friend class InventoryTable;
  std::int64_t row_;
  using Name = std::tuple<std::uint8_t, std::uint64_t, std::uint64_t>;  // level, min, max
  std::set<Name> gone_;
  bool doubtful_ = false;  // something may be gone, or not
};

// What a client has in the bucket, objects in any state.
struct Held {
  std::uint64_t objects = 0, bytes = 0;
  friend bool operator==(const Held&, const Held&) = default;
};

class InventoryTable {
 public:
  // Both belong to the ledger. `prepare` has to be called before anything else.
  InventoryTable(sqlite::Connection& connection, std::mutex& mutex) : connection_(connection), mutex_(mutex) {}
  base::Result<> prepare();

  // Inside a transaction of the ledger, whose mutex is held.
  base::Result<> add_in_transaction(std::int64_t row, const history::Object& object);
  base::Result<> forget_everything_in_transaction();

  // Is every object of the client in the table?
  base::Result<bool> known(std::int64_t row);
  // To be called before the first request of a listing that is to be recorded.
  std::shared_ptr<ListingUnderWay> begin_listing(std::int64_t row);
  // From now on every object is there: true. Rows that are there stay as they are, and what was removed since the
  // listing began is left out: the table knows more than a listing. False: of an object nobody knows whether it was
  // removed before or after it was listed; nothing is recorded, and the bucket has to be listed again.
  base::Result<bool> record_listing(const ListingUnderWay& listing, std::span<const history::Object> listed);
  // The bucket was found to differ: present objects are forgotten until the next listing is recorded.
  base::Result<> distrust(std::int64_t row);

  // All present objects. About 1 us each.
  base::Result<history::Inventory> present(std::int64_t row);
  // Of these what history::next_action() looks at, rarely more than a hundred.
  base::Result<history::Inventory> tip(std::int64_t row);
  // The present object of level 0 with the highest TXID.
  base::Result<std::optional<history::Object>> newest_raw(std::int64_t row);

  // Kept up to date with the rows, not counted.
  base::Result<Held> held(std::int64_t row);
  // Clients that have or had objects, ascending, those above that row.
  base::Result<std::vector<std::int64_t>> holders(std::int64_t above, std::size_t count);
  // Of the objects that hold a whole database and begin their level, the one with the lowest TXID: no point before it
  // can be restored.
  base::Result<std::optional<history::Object>> oldest_image(std::int64_t row);
  base::Result<std::optional<history::Object>> newest_snapshot(std::int64_t row);

  base::Result<> put(std::int64_t row, const history::Object& object, ObjectState state);
  base::Result<> set_state(std::int64_t row, std::span<const history::Object> objects, ObjectState state);
  // They are gone from the bucket; or perhaps not, in which case the caller distrusts the client, too.
  enum class Gone : std::uint8_t { certainly, perhaps };
  base::Result<> forget(std::span<const UnsettledObject> objects, Gone gone);
  // Objects in that state, of all clients or of one, in no order.
  base::Result<std::vector<UnsettledObject>> unsettled(
      ObjectState state, std::optional<std::int64_t> row = std::nullopt,
      std::size_t count = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()));
  base::Result<std::vector<std::int64_t>> clients_with(ObjectState state);

  // When retention has to look at a client the next time. `policy`: the fingerprint of the one that says so; none: as
  // it was.
  base::Result<> set_due(std::int64_t row, std::optional<base::UnixMillis> due,
                         std::optional<std::int64_t> policy = std::nullopt);
  // Clients whose last due time was said by another policy than this one are due at the given time.
  struct WantedPolicy {
    std::int64_t row = 0;
    std::int64_t policy = 0;
    base::UnixMillis due{0};
  };
  base::Result<> expect_policies(std::span<const WantedPolicy> wanted);
  base::Result<std::optional<base::UnixMillis>> due(std::int64_t row);
  // Clients whose time has come, the longest due first.
  base::Result<std::vector<std::int64_t>> due_clients(base::UnixMillis now, std::size_t count);
  base::Result<std::optional<base::UnixMillis>> next_due();

 private:
  base::Result<> read(std::int64_t row, base::Level level, base::Txid above, std::vector<history::Object>& objects);
  base::Result<std::optional<history::Object>> first_or_last(std::int64_t row, base::Level level, bool last);

  void note_forgotten(std::span<const UnsettledObject> objects, Gone gone);

  sqlite::Connection& connection_;
  std::mutex& mutex_;
  // By client; what they hold, too, is under the mutex. Looked through for ended ones when there are so many.
  std::unordered_multimap<std::int64_t, std::weak_ptr<ListingUnderWay>> listings_;
  std::size_t look_through_at_ = 64;
};

}  // namespace engine
