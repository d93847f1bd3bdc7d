#include "engine/write_rates.h"

#include <gtest/gtest.h>

#include "engine/ledger.h"
#include "os/testing.h"

namespace engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr base::UnixMillis kNow{1'700'000'000'000};

class WriteRatesTest : public ::testing::Test {
 protected:
  void add(std::int64_t row, const history::Object& object) {
    ASSERT_TRUE(ledger_->inventory().put(row, object, ObjectState::present).has_value());
  }
  std::int64_t client(const std::string& id, base::UnixMillis created) {
    return ledger_->find_or_create(base::DatabaseId{id}, "/clients/" + id + ".db", created)->row;
  }
  static history::Object object(std::uint8_t level, std::uint64_t min, std::uint64_t max, std::uint64_t size,
                                base::UnixMillis created) {
    return {base::Txid{min}, base::Txid{max}, size, created, created, 0, base::Level{level}};
  }

  os::testing::TempDir dir_;
  const std::filesystem::path file_ = dir_ / "state.db";
  std::unique_ptr<Ledger> ledger_ = std::move(*Ledger::open(file_));
};

TEST_F(WriteRatesTest, CountCommitsOfTheLastDayAndMeasureWhatTheyWeigh) {
  const std::int64_t row = client("11111111-2222-3333-4444-555555555555", kNow - hours(100));
  add(row, object(0, 1, 1, 50'000, kNow - hours(30)));
  add(row, object(0, 2, 2, 1'000, kNow - hours(25)));
  // Twelve in each of the last ten hours.
  for (std::uint64_t i = 0; i < 120; ++i) {
    add(row, object(0, 3 + i, 3 + i, 1'000, kNow - hours(10) + minutes(5) * static_cast<int>(i)));
  }
  for (std::uint64_t i = 0; i < 10; ++i) {
    add(row, object(1, 3 + 12 * i, 14 + 12 * i, 4'000, kNow - hours(10 - static_cast<int>(i))));
  }
  add(row, object(9, 1, 60, 70'000, kNow - hours(2)));
  client("22222222-2222-3333-4444-555555555555", kNow - hours(2));
  const auto rates = read_write_rates(file_, kNow);
  ASSERT_TRUE(rates) << rates.error().message;
  ASSERT_EQ(rates->size(), 2U);
  const ClientRates& one = rates->front();
  EXPECT_EQ(one.path, "/clients/11111111-2222-3333-4444-555555555555.db");
  EXPECT_DOUBLE_EQ(one.writing.commits_per_day, 120);
  EXPECT_NEAR(one.writing.active_hours_per_day, 10.5, 0.5);
  EXPECT_EQ(one.stored_objects, 133U);
  EXPECT_EQ(one.stored_bytes, 50'000U + 121 * 1'000 + 10 * 4'000 + 70'000);
  EXPECT_DOUBLE_EQ(one.sizes.of(1), 1'000);
  EXPECT_DOUBLE_EQ(one.sizes.of(12), 4'000);
  EXPECT_DOUBLE_EQ(one.sizes.image(), 70'000);
  EXPECT_EQ(rates->back().writing.commits_per_day, 0);
  EXPECT_EQ(rates->back().stored_objects, 0U);
}

TEST_F(WriteRatesTest, AYoungClientsDayIsAsItsFirstHours) {
  const std::int64_t row = client("11111111-2222-3333-4444-555555555555", kNow - hours(2));
  for (std::uint64_t i = 0; i < 10; ++i) add(row, object(0, 2 + i, 2 + i, 1'000, kNow - minutes(50)));
  EXPECT_DOUBLE_EQ(read_write_rates(file_, kNow)->front().writing.commits_per_day, 120);
}

TEST_F(WriteRatesTest, NoStateDatabaseIsNotFound) {
  const auto rates = read_write_rates(dir_ / "none.db", kNow);
  ASSERT_FALSE(rates);
  EXPECT_EQ(rates.error().category, base::Category::not_found);
}

}  // namespace
}  // namespace engine
