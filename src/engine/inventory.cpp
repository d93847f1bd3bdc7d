#include "engine/inventory.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "sqlite/connection.h"

namespace engine {

namespace {

constexpr std::size_t kRowsAtOnce = 1000;  // 1 to 2 ms, during which acknowledgements wait

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS objects(
  client INTEGER NOT NULL, level INTEGER NOT NULL, max INTEGER NOT NULL, min INTEGER NOT NULL,
  size INTEGER NOT NULL, created_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL, pages INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(client, level, max, min)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unsettled_objects ON objects(client) WHERE state<>0;
CREATE TABLE IF NOT EXISTS upkeep(
  client INTEGER PRIMARY KEY, known INTEGER NOT NULL DEFAULT 0, due_ms INTEGER, policy INTEGER);
CREATE INDEX IF NOT EXISTS upkeep_due ON upkeep(due_ms) WHERE due_ms IS NOT NULL;
)sql";

// Objects and bytes of each client, so that nobody has to add up its rows.
constexpr char kHeldSchema[] = R"sql(
CREATE TABLE held(client INTEGER PRIMARY KEY, objects INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO held SELECT client, count(*), sum(size) FROM objects GROUP BY client;
CREATE TRIGGER object_added AFTER INSERT ON objects BEGIN
  INSERT INTO held VALUES(new.client, 1, new.size)
    ON CONFLICT(client) DO UPDATE SET objects=objects+1, bytes=bytes+excluded.bytes;
END;
CREATE TRIGGER object_resized AFTER UPDATE OF size ON objects WHEN old.size<>new.size BEGIN
  UPDATE held SET bytes=bytes-old.size+new.size WHERE client=new.client;
END;
CREATE TRIGGER object_gone AFTER DELETE ON objects BEGIN
  UPDATE held SET objects=objects-1, bytes=bytes-old.size WHERE client=old.client;
END;
)sql";

// Both without OR, whose policy would reach into the triggers, and REPLACE would not call the one for deletions.
constexpr char kInsert[] = "INSERT INTO objects VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO NOTHING";
constexpr char kReplace[] =
    "INSERT INTO objects VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO UPDATE SET size=excluded.size, "
    "created_ms=excluded.created_ms, stored_ms=excluded.stored_ms, pages=excluded.pages, state=excluded.state";
// Of a row after its client.
constexpr char kObjectColumns[] = "level, max, min, size, created_ms, stored_ms, pages, state";

std::int64_t as_signed(base::Txid txid) {
  return static_cast<std::int64_t>(txid.value);
}

base::Txid txid_of(std::int64_t value) {
  return base::Txid{static_cast<std::uint64_t>(value)};
}

void bind_name(sqlite::Statement& s, std::int64_t row, const storage::LtxName& name) {
  s.bind(1, row).bind(2, std::int64_t{name.level.value}).bind(3, as_signed(name.max)).bind(4, as_signed(name.min));
}

void bind_object(sqlite::Statement& s, std::int64_t row, const history::Object& object, ObjectState state) {
  bind_name(s, row, history::name_of(object));
  s.bind(5, static_cast<std::int64_t>(object.size_bytes)).bind(6, object.created_at.count());
  s.bind(7, object.stored_at.count()).bind(8, std::int64_t{object.page_count});
  s.bind(9, static_cast<std::int64_t>(state));
}

std::tuple<std::uint8_t, std::uint64_t, std::uint64_t> name_in_listing(const history::Object& object) {
  return {object.level.value, object.min.value, object.max.value};
}

// Columns kObjectColumns from `first` on.
history::Object object_from(const sqlite::Statement& s, int first) {
  history::Object object;
  object.level = base::Level{static_cast<std::uint8_t>(s.integer(first))};
  object.max = txid_of(s.integer(first + 1));
  object.min = txid_of(s.integer(first + 2));
  object.size_bytes = static_cast<std::uint64_t>(s.integer(first + 3));
  object.created_at = base::UnixMillis{s.integer(first + 4)};
  object.stored_at = base::UnixMillis{s.integer(first + 5)};
  object.page_count = static_cast<std::uint32_t>(s.integer(first + 6));
  return object;
}

}  // namespace

base::Result<> InventoryTable::prepare() {
  TRY(connection_.execute(kSchema));
  TRY_ASSIGN(auto s, connection_.prepare("SELECT 1 FROM sqlite_master WHERE name='held'"));
  TRY_ASSIGN(const bool has_held, s.step());
  if (has_held) return {};
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
  TRY(connection_.execute(kHeldSchema));
  return transaction.commit();
}

base::Result<> InventoryTable::add_in_transaction(std::int64_t row, const history::Object& object) {
  TRY_ASSIGN(auto s, connection_.prepare(kReplace));
  bind_object(s, row, object, ObjectState::present);
  return s.run();
}

base::Result<> InventoryTable::forget_everything_in_transaction() {
  return connection_.execute("DELETE FROM objects; DELETE FROM upkeep; DELETE FROM held");
}

base::Result<bool> InventoryTable::known(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT known FROM upkeep WHERE client=?1"));
  s.bind(1, row);
  TRY_ASSIGN(const bool found, s.step());
  return found && s.integer(0) != 0;
}

std::shared_ptr<ListingUnderWay> InventoryTable::begin_listing(std::int64_t row) {
  auto listing = std::make_shared<ListingUnderWay>(row);
  const std::scoped_lock lock(mutex_);
  if (listings_.size() >= look_through_at_) {
    std::erase_if(listings_, [](const auto& other) { return other.second.expired(); });
    look_through_at_ = 64 + 2 * listings_.size();
  }
  listings_.emplace(row, listing);
  return listing;
}

void InventoryTable::note_forgotten(std::span<const UnsettledObject> objects, Gone gone) {
  for (const UnsettledObject& unsettled : objects) {
    const auto [first, last] = listings_.equal_range(unsettled.row);
    for (auto found = first; found != last; ++found) {
      const auto listing = found->second.lock();
      if (!listing) continue;
      listing->gone_.insert(name_in_listing(unsettled.object));
      if (gone == Gone::perhaps) listing->doubtful_ = true;
    }
  }
}

base::Result<bool> InventoryTable::record_listing(const ListingUnderWay& listing,
                                                  std::span<const history::Object> listed) {
  const std::int64_t row = listing.row_;
  do {
    const auto part = listed.first(std::min(listed.size(), kRowsAtOnce));
    listed = listed.subspan(part.size());
    const std::scoped_lock lock(mutex_);
    if (listing.doubtful_) return false;
    TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
    TRY_ASSIGN(auto s, connection_.prepare(kInsert));
    for (const history::Object& object : part) {
      if (listing.gone_.contains(name_in_listing(object))) continue;
      bind_object(s, row, object, ObjectState::present);
      TRY(s.run());
    }
    if (listed.empty()) {
      TRY_ASSIGN(auto known, connection_.prepare(
                                 "INSERT INTO upkeep(client,known) VALUES(?1,1) ON CONFLICT DO UPDATE SET known=1"));
      TRY(known.bind(1, row).run());
    }
    TRY(transaction.commit());
  } while (!listed.empty());
  return true;
}

base::Result<> InventoryTable::distrust(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
  TRY_ASSIGN(auto objects, connection_.prepare("DELETE FROM objects WHERE client=?1 AND state=0"));
  TRY(objects.bind(1, row).run());
  TRY_ASSIGN(auto known, connection_.prepare("UPDATE upkeep SET known=0 WHERE client=?1"));
  TRY(known.bind(1, row).run());
  return transaction.commit();
}

base::Result<> InventoryTable::read(std::int64_t row, base::Level level, base::Txid above,
                                    std::vector<history::Object>& objects) {
  std::int64_t max = as_signed(above);
  std::int64_t min = std::numeric_limits<std::int64_t>::max();
  for (std::size_t rows = kRowsAtOnce; rows == kRowsAtOnce;) {
    rows = 0;
    const std::scoped_lock lock(mutex_);
    TRY_ASSIGN(auto s, connection_.prepare(fmt::format("SELECT {} FROM objects WHERE client=?1 AND level=?2 AND "
                                                       "(max, min)>(?3, ?4) ORDER BY max, min LIMIT ?5",
                                                       kObjectColumns)));
    s.bind(1, row).bind(2, std::int64_t{level.value}).bind(3, max).bind(4, min);
    s.bind(5, static_cast<std::int64_t>(kRowsAtOnce));
    for (;; ++rows) {
      TRY_ASSIGN(const bool found, s.step());
      if (!found) break;
      max = s.integer(1);
      min = s.integer(2);
      if (s.integer(7) == static_cast<std::int64_t>(ObjectState::present)) objects.push_back(object_from(s, 0));
    }
  }
  return {};
}

base::Result<std::optional<history::Object>> InventoryTable::first_or_last(std::int64_t row, base::Level level,
                                                                           bool last) {
  const char* order = last ? "DESC" : "ASC";
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare(fmt::format("SELECT {} FROM objects WHERE client=?1 AND level=?2 AND state=0 "
                                                     "ORDER BY max {}, min {} LIMIT 1",
                                                     kObjectColumns, order, order)));
  s.bind(1, row).bind(2, std::int64_t{level.value});
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return std::nullopt;
  return object_from(s, 0);
}

base::Result<std::optional<history::Object>> InventoryTable::newest_raw(std::int64_t row) {
  return first_or_last(row, base::Level{0}, true);
}

base::Result<Held> InventoryTable::held(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT objects, bytes FROM held WHERE client=?1"));
  s.bind(1, row);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return Held{};
  return Held{static_cast<std::uint64_t>(s.integer(0)), static_cast<std::uint64_t>(s.integer(1))};
}

base::Result<std::vector<std::int64_t>> InventoryTable::holders(std::int64_t above, std::size_t count) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT client FROM held WHERE client>?1 ORDER BY client LIMIT ?2"));
  s.bind(1, above).bind(2, static_cast<std::int64_t>(count));
  std::vector<std::int64_t> found;
  for (;;) {
    TRY_ASSIGN(const bool row, s.step());
    if (!row) return found;
    found.push_back(s.integer(0));
  }
}

base::Result<std::optional<history::Object>> InventoryTable::oldest_image(std::int64_t row) {
  std::optional<history::Object> oldest;
  for (base::Level level{0}; level <= base::kSnapshotLevel; level.value++) {
    TRY_ASSIGN(const auto first, first_or_last(row, level, false));
    if (first && history::is_image(*first) && (!oldest || first->max < oldest->max)) oldest = first;
  }
  return oldest;
}

base::Result<std::optional<history::Object>> InventoryTable::newest_snapshot(std::int64_t row) {
  return first_or_last(row, base::kSnapshotLevel, true);
}

base::Result<history::Inventory> InventoryTable::present(std::int64_t row) {
  std::vector<history::Object> objects;
  for (base::Level level{0}; level <= base::kSnapshotLevel; level.value++) TRY(read(row, level, {}, objects));
  return history::Inventory(std::move(objects));
}

base::Result<history::Inventory> InventoryTable::tip(std::int64_t row) {
  std::vector<history::Object> objects;
  TRY_ASSIGN(const auto snapshot, first_or_last(row, base::kSnapshotLevel, true));
  if (snapshot) objects.push_back(*snapshot);
  base::Txid reached = snapshot ? snapshot->max : base::Txid{};
  for (std::uint8_t level = base::kSnapshotLevel.value; level-- > 0;) {
    if (!snapshot) {  // whatever starts the chain
      TRY_ASSIGN(const auto first, first_or_last(row, base::Level{level}, false));
      if (first && history::is_image(*first)) objects.push_back(*first);
    }
    TRY(read(row, base::Level{level}, reached, objects));
    for (const history::Object& object : objects) reached = std::max(reached, object.max);
  }
  return history::Inventory(std::move(objects));
}

base::Result<> InventoryTable::put(std::int64_t row, const history::Object& object, ObjectState state) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare(kReplace));
  bind_object(s, row, object, state);
  return s.run();
}

base::Result<> InventoryTable::set_state(std::int64_t row, std::span<const history::Object> objects,
                                         ObjectState state) {
  while (!objects.empty()) {
    const auto part = objects.first(std::min(objects.size(), kRowsAtOnce));
    objects = objects.subspan(part.size());
    const std::scoped_lock lock(mutex_);
    TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
    TRY_ASSIGN(auto s,
               connection_.prepare("UPDATE objects SET state=?5 WHERE client=?1 AND level=?2 AND max=?3 AND min=?4"));
    for (const history::Object& object : part) {
      bind_name(s, row, history::name_of(object));
      TRY(s.bind(5, static_cast<std::int64_t>(state)).run());
    }
    TRY(transaction.commit());
  }
  return {};
}

base::Result<> InventoryTable::forget(std::span<const UnsettledObject> objects, Gone gone) {
  while (!objects.empty()) {
    const auto part = objects.first(std::min(objects.size(), kRowsAtOnce));
    objects = objects.subspan(part.size());
    const std::scoped_lock lock(mutex_);
    note_forgotten(part, gone);
    TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
    TRY_ASSIGN(auto s, connection_.prepare("DELETE FROM objects WHERE client=?1 AND level=?2 AND max=?3 AND min=?4"));
    for (const UnsettledObject& unsettled : part) {
      bind_name(s, unsettled.row, history::name_of(unsettled.object));
      TRY(s.run());
    }
    TRY(transaction.commit());
  }
  return {};
}

base::Result<std::vector<UnsettledObject>> InventoryTable::unsettled(ObjectState state, std::optional<std::int64_t> row,
                                                                     std::size_t count) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare(fmt::format("SELECT client, {} FROM objects INDEXED BY unsettled_objects "
                                                     "WHERE state<>0 AND state=?1 {} LIMIT ?2",
                                                     kObjectColumns, row ? "AND client=?3" : "")));
  s.bind(1, static_cast<std::int64_t>(state)).bind(2, static_cast<std::int64_t>(count));
  if (row) s.bind(3, *row);
  std::vector<UnsettledObject> found;
  for (;;) {
    TRY_ASSIGN(const bool more, s.step());
    if (!more) return found;
    found.push_back({s.integer(0), object_from(s, 1), state});
  }
}

base::Result<std::vector<std::int64_t>> InventoryTable::clients_with(ObjectState state) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT DISTINCT client FROM objects INDEXED BY unsettled_objects "
                                         "WHERE state<>0 AND state=?1 ORDER BY client"));
  s.bind(1, static_cast<std::int64_t>(state));
  std::vector<std::int64_t> found;
  for (;;) {
    TRY_ASSIGN(const bool row, s.step());
    if (!row) return found;
    found.push_back(s.integer(0));
  }
}

base::Result<> InventoryTable::set_due(std::int64_t row, std::optional<base::UnixMillis> due,
                                       std::optional<std::int64_t> policy) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s,
             connection_.prepare("INSERT INTO upkeep(client,due_ms,policy) VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET "
                                 "due_ms=excluded.due_ms, policy=coalesce(excluded.policy, policy)"));
  s.bind(1, row);
  if (due) {
    s.bind(2, due->count());
  } else {
    s.bind_null(2);
  }
  if (policy) {
    s.bind(3, *policy);
  } else {
    s.bind_null(3);
  }
  return s.run();
}

base::Result<> InventoryTable::expect_policies(std::span<const WantedPolicy> wanted) {
  while (!wanted.empty()) {
    const auto part = wanted.first(std::min(wanted.size(), kRowsAtOnce));
    wanted = wanted.subspan(part.size());
    const std::scoped_lock lock(mutex_);
    TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
    TRY_ASSIGN(auto s, connection_.prepare("UPDATE upkeep SET due_ms=?3 WHERE client=?1 AND policy IS NOT ?2 AND "
                                           "(due_ms IS NULL OR due_ms>?3)"));
    for (const WantedPolicy& one : part) TRY(s.bind(1, one.row).bind(2, one.policy).bind(3, one.due.count()).run());
    TRY(transaction.commit());
  }
  return {};
}

base::Result<std::optional<base::UnixMillis>> InventoryTable::due(std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT due_ms FROM upkeep WHERE client=?1 AND due_ms IS NOT NULL"));
  s.bind(1, row);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return std::nullopt;
  return base::UnixMillis{s.integer(0)};
}

base::Result<std::vector<std::int64_t>> InventoryTable::due_clients(base::UnixMillis now, std::size_t count) {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT client FROM upkeep WHERE due_ms<=?1 ORDER BY due_ms LIMIT ?2"));
  s.bind(1, now.count()).bind(2, static_cast<std::int64_t>(count));
  std::vector<std::int64_t> found;
  for (;;) {
    TRY_ASSIGN(const bool row, s.step());
    if (!row) return found;
    found.push_back(s.integer(0));
  }
}

base::Result<std::optional<base::UnixMillis>> InventoryTable::next_due() {
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(auto s, connection_.prepare("SELECT due_ms FROM upkeep WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1"));
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return std::nullopt;
  return base::UnixMillis{s.integer(0)};
}

}  // namespace engine
