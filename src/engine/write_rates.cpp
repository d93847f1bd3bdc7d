#include "engine/write_rates.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/types.h"
#include "sqlite/connection.h"

namespace engine {

namespace {

using Hours = std::chrono::duration<double, std::chrono::hours::period>;

constexpr std::chrono::hours kLooksBack{24};
constexpr double kShortestHours = 1;  // a first minute says nothing about a day
constexpr double kCompressed = 0.5;   // of a database without an image in the bucket, roughly
constexpr std::size_t kLevels = base::kSnapshotLevel.value + 1;

// Objects that hold no image, by level: how many, how many commits they hold, how large they are.
constexpr char kLevelSums[] =
    "SELECT level, count(*), sum(max-min+1), sum(size) FROM objects WHERE client=?1 AND min>1 GROUP BY level";
constexpr char kNewestImage[] = "SELECT size FROM objects WHERE client=?1 AND min<=1 ORDER BY max DESC LIMIT 1";
constexpr char kLately[] =
    "SELECT count(*), count(DISTINCT created_ms/3600000) FROM objects "
    "WHERE client=?1 AND level=0 AND min>1 AND created_ms>?2";
constexpr char kHeld[] = "SELECT objects, bytes FROM held WHERE client=?1";

struct Queries {
  sqlite::Statement level_sums, newest_image, lately, held;
};

base::Result<Queries> prepare(sqlite::Connection& db) {
  TRY_ASSIGN(auto level_sums, db.prepare(kLevelSums));
  TRY_ASSIGN(auto newest_image, db.prepare(kNewestImage));
  TRY_ASSIGN(auto lately, db.prepare(kLately));
  TRY_ASSIGN(auto held, db.prepare(kHeld));
  return Queries{std::move(level_sums), std::move(newest_image), std::move(lately), std::move(held)};
}

base::Result<> read_sizes(Queries& queries, std::int64_t row, double database_bytes, ClientRates& rates) {
  std::array<history::ObjectSizes::LevelSum, kLevels> levels{};
  queries.level_sums.reset();
  queries.level_sums.bind(1, row);
  for (;;) {
    TRY_ASSIGN(const bool found, queries.level_sums.step());
    if (!found) break;
    auto& level = levels.at(std::min(static_cast<std::size_t>(queries.level_sums.integer(0)), kLevels - 1));
    level = {static_cast<double>(queries.level_sums.integer(1)), static_cast<double>(queries.level_sums.integer(2)),
             static_cast<double>(queries.level_sums.integer(3))};
  }
  queries.newest_image.reset();
  TRY_ASSIGN(const bool has_image, queries.newest_image.bind(1, row).step());
  const double image = has_image ? static_cast<double>(queries.newest_image.integer(0)) : kCompressed * database_bytes;
  rates.sizes = history::ObjectSizes::from_sums(levels, image);
  return {};
}

base::Result<> read_client(Queries& queries, std::int64_t row, base::UnixMillis created, base::UnixMillis now,
                           ClientRates& rates) {
  const base::UnixMillis from = std::max(now - kLooksBack, created);
  queries.lately.reset();
  TRY_ASSIGN([[maybe_unused]] const bool counted, queries.lately.bind(1, row).bind(2, from.count()).step());
  const double hours = std::max(Hours(now - from).count(), kShortestHours);
  const double times_a_day = Hours(kLooksBack).count() / hours;
  rates.writing.commits_per_day = static_cast<double>(queries.lately.integer(0)) * times_a_day;
  rates.writing.active_hours_per_day = std::min(static_cast<double>(queries.lately.integer(1)) * times_a_day, 24.0);
  queries.held.reset();
  TRY_ASSIGN(const bool holds, queries.held.bind(1, row).step());
  if (!holds) return {};
  rates.stored_objects = static_cast<std::uint64_t>(queries.held.integer(0));
  rates.stored_bytes = static_cast<std::uint64_t>(queries.held.integer(1));
  return {};
}

base::Result<std::vector<ClientRates>> read(sqlite::Connection& db, base::UnixMillis now) {
  std::vector<ClientRates> all;
  TRY(db.execute("BEGIN"));  // one moment; ends with the connection
  TRY_ASSIGN(Queries queries, prepare(db));
  TRY_ASSIGN(auto clients, db.prepare("SELECT row, client_id, path, created_ms, page_size, page_count FROM clients "
                                      "ORDER BY client_id"));
  for (;;) {
    TRY_ASSIGN(const bool found, clients.step());
    if (!found) return all;
    ClientRates rates;
    rates.id = clients.text(1);
    rates.path = clients.text(2);
    const double database_bytes = static_cast<double>(clients.integer(4)) * static_cast<double>(clients.integer(5));
    TRY(read_sizes(queries, clients.integer(0), database_bytes, rates));
    TRY(read_client(queries, clients.integer(0), base::UnixMillis{clients.integer(3)}, now, rates));
    all.push_back(std::move(rates));
  }
}

}  // namespace

base::Result<std::vector<ClientRates>> read_write_rates(const std::filesystem::path& file, base::UnixMillis now) {
  auto db = sqlite::Connection::open(file, sqlite::OpenMode::read_only, {std::chrono::milliseconds(5000), 0});
  if (!db) return base::fail(db.error().with_context("state database " + file.string()));
  auto rates = read(*db, now);
  if (!rates) return base::fail(rates.error().with_context("state database " + file.string()));
  return rates;
}

}  // namespace engine
