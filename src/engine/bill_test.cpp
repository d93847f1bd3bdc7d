#include "engine/bill.h"

#include <sstream>

#include <gtest/gtest.h>

#include "engine/metered_store.h"
#include "engine/testing.h"
#include "ltx/header.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using storage::RequestKind;

constexpr std::string_view kId = "11111111-2222-3333-4444-55555555555a";
const Guid kGuid = *parse_guid(kId);

// Noon of the 10th of April 2029: 30 days.
class BillTest : public ::testing::Test {
 protected:
  BillTest() {
    constexpr auto kNoon = std::chrono::sys_days(std::chrono::year(2029) / 4 / 10) + hours(12);
    clock_.advance(std::chrono::duration_cast<base::UnixMillis>(kNoon.time_since_epoch()) - clock_.unix_now());
    start();
    bill_->set_prices({});
  }
  void start() { bill_ = std::make_unique<Bill>(clock_); }
  void send(int times, RequestKind kind = RequestKind::put, Purpose purpose = Purpose::capture) {
    const auto observer = bill_->charge(purpose, kGuid);
    for (int i = 0; i < times; ++i) observer->on_request(kind);
  }

  testing::ManualClock clock_;
  std::unique_ptr<Bill> bill_;
};

TEST(Guid, IsTheSameInUpperAndLowerCase) {
  EXPECT_EQ(parse_guid("ABCDEF01-2345-6789-abcd-ef0123456789"), parse_guid("abcdef01-2345-6789-ABCD-EF0123456789"));
  EXPECT_EQ(parse_guid("abcdef01-2345-6789-abcd-ef0123456789")->high, 0xabcdef0123456789U);
  EXPECT_EQ(parse_guid("abcdef01-2345-6789-abcd-ef0123456789")->low, 0xabcdef0123456789U);
  for (const char* other : {"", "abcdef01-2345-6789-abcd-ef012345678", "abcdef01-2345-6789-abcd-ef01234567890",
                            "abcdef01+2345-6789-abcd-ef0123456789", "abcdef01-2345-6789-abcd-ef012345678g"}) {
    EXPECT_FALSE(parse_guid(other)) << other;
  }
}

TEST_F(BillTest, TellsFromKeyAndViewWhoARequestIsForAndWhatFor) {
  storage::MemoryStore store(storage::KeyLayout::s3, clock_);
  MeteredStore clients(store, *bill_, MeteredStore::User::clients);
  MeteredStore upkeep(store, *bill_, MeteredStore::User::upkeep);
  const std::string replica = "databases/" + std::string(kId);
  const auto key = [&](const char* name) { return base::ObjectKey{replica + name}; };
  const auto put = [&](MeteredStore& view, const char* name) {
    ASSERT_TRUE(storage::put_and_wait(view, {key(name), std::make_shared<storage::MemoryBody>(base::Bytes(200))}));
  };
  put(clients, "/0000/0000000000000001-0000000000000001.ltx");
  put(clients, "/0009/0000000000000001-0000000000000002.ltx");
  put(upkeep, "/0001/0000000000000001-0000000000000002.ltx");
  put(upkeep, "/0009/0000000000000001-0000000000000003.ltx");
  const base::ObjectKey first = key("/0000/0000000000000001-0000000000000001.ltx");
  ASSERT_TRUE(storage::get_and_wait(upkeep, {first, 0, {}}));
  ASSERT_TRUE(storage::get_and_wait(upkeep, {first, 0, ltx::kHeaderSize}));
  ASSERT_TRUE(storage::get_and_wait(clients, {first, 0, {}}));
  ASSERT_TRUE(storage::list_all_and_wait(clients, replica + "/"));
  ASSERT_TRUE(storage::head_and_wait(upkeep, first));
  ASSERT_TRUE(storage::remove_and_wait(upkeep, {first}));

  const RequestTally one = bill_->account(kGuid, 0).since_start;
  const auto count = [&](Purpose purpose, RequestKind kind) {
    return one.requests.at(std::to_underlying(purpose)).at(std::to_underlying(kind));
  };
  EXPECT_EQ(count(Purpose::capture, RequestKind::put), 2U) << "an image, too";
  EXPECT_EQ(count(Purpose::merge, RequestKind::put), 1U);
  EXPECT_EQ(count(Purpose::snapshot, RequestKind::put), 1U);
  EXPECT_EQ(count(Purpose::merge, RequestKind::get), 1U);
  EXPECT_EQ(count(Purpose::recovery, RequestKind::get), 2U);
  EXPECT_EQ(count(Purpose::recovery, RequestKind::list), 1U);
  EXPECT_EQ(count(Purpose::retention, RequestKind::head), 1U);
  EXPECT_EQ(one.total(), 9U) << "a deletion is for many";
  EXPECT_EQ(one.sent_bytes, 800U);
  EXPECT_EQ(one.received_bytes, 500U);
  const RequestTally all = bill_->fleet().since_start;
  EXPECT_EQ(all.of(RequestKind::remove), 1U);
  EXPECT_EQ(all.of(Purpose::retention), 2U);
  EXPECT_EQ(all.total(), 10U);
  EXPECT_EQ(all.total(), store.operations().size());
}

TEST_F(BillTest, HasARateAfterAnHourAndForgetsWhatIsOlderThanADay) {
  send(600);
  clock_.advance(minutes(59));
  EXPECT_FALSE(bill_->fleet().requests_per_day);
  EXPECT_FALSE(bill_->account(kGuid, 0).requests_per_day);
  clock_.advance(minutes(61));
  EXPECT_DOUBLE_EQ(*bill_->fleet().requests_per_day, 600 * 12.0);
  EXPECT_DOUBLE_EQ(*bill_->account(kGuid, 0).requests_per_day, 600 * 12.0);
  clock_.advance(hours(20));
  send(24);
  EXPECT_NEAR(*bill_->fleet().requests_per_day, 624 * 24.0 / 22, 1e-9);
  clock_.advance(hours(2));
  EXPECT_NEAR(*bill_->fleet().requests_per_day, 24 * 24.0 / 23, 1e-9);
}

TEST_F(BillTest, PricesRequestsTrafficAndStorageOfTheMonth) {
  bill_->set_prices({.download_per_gb = 0.09});
  bill_->set_stored(7, 300ULL << 30);
  send(2000);
  send(1000, RequestKind::get);
  bill_->charge(Purpose::recovery, std::nullopt)->on_bytes(5, 10ULL << 30);
  clock_.advance(days(3));
  const FleetBill bill = bill_->fleet();
  EXPECT_TRUE(bill.priced);
  EXPECT_EQ(bill.stored_objects, 7U);
  EXPECT_NEAR(bill.month_storage_cost, 300 * 0.023 * 3 / 30, 1e-9);
  EXPECT_NEAR(bill.month_cost, 0.01 + 0.0004 + 0.9 + bill.month_storage_cost, 1e-9);
  EXPECT_NEAR(*bill.month_cost_projected, bill.month_cost + 300 * 0.023 * 17.5 / 30, 1e-9) << "nothing lately";
  send(1000);
  EXPECT_NEAR(*bill_->fleet().month_cost_projected - *bill.month_cost_projected, 0.005 * (1 + 17.5 * 24 / 23), 1e-9);
  EXPECT_NEAR(*bill_->account(kGuid, 100ULL << 30).cost_per_month, (0.015 + 0.0004) * 10 + 2.3, 1e-9);
}

TEST_F(BillTest, HasNoPriceForADirectory) {
  start();
  send(1000);
  bill_->set_stored(1, 1ULL << 40);
  clock_.advance(days(1));
  EXPECT_FALSE(bill_->fleet().priced);
  EXPECT_EQ(bill_->fleet().month_cost, 0);
  EXPECT_EQ(*bill_->fleet().month_cost_projected, 0);
  EXPECT_FALSE(bill_->account(kGuid, 1).cost_per_month);
}

TEST_F(BillTest, BeginsAnewWithTheMonth) {
  bill_->set_stored(1, 30ULL << 30);
  send(1000);
  clock_.advance(days(25));
  const FleetBill may = bill_->fleet();
  EXPECT_EQ(may.this_month.total(), 0U);
  EXPECT_EQ(may.since_start.total(), 1000U);
  EXPECT_EQ(base::to_rfc3339(may.month_counted_from), "2029-05-01T00:00:00Z");
  EXPECT_NEAR(may.month_cost, 30 * 0.023 * 4.5 / 31, 1e-9);
}

TEST_F(BillTest, GoesOnInTheNextRunAndCostsWhatTheBucketHeldInBetween) {
  EXPECT_FALSE(bill_->unsaved());
  bill_->set_stored(1, 30ULL << 30);
  send(1000, RequestKind::list, Purpose::recovery);
  EXPECT_TRUE(bill_->unsaved());
  clock_.advance(hours(2));
  const std::string saved = bill_->save();
  EXPECT_FALSE(bill_->unsaved());
  clock_.advance(hours(10));
  start();
  bill_->set_prices({});
  bill_->restore(saved);
  const FleetBill bill = bill_->fleet();
  EXPECT_EQ(bill.since_start.total(), 0U);
  EXPECT_EQ(bill.this_month.of(RequestKind::list), 1000U);
  EXPECT_EQ(base::to_rfc3339(bill.month_counted_from), "2029-04-10T12:00:00Z");
  EXPECT_DOUBLE_EQ(*bill.requests_per_day, 2000);
  EXPECT_NEAR(bill.month_storage_cost, 30 * 0.023 * 0.5 / 30, 1e-9);
  EXPECT_NEAR(bill.month_cost, 0.005 + bill.month_storage_cost, 1e-9);
}

// Before audits and verifications had a purpose of their own.
TEST_F(BillTest, GoesOnWithWhatAnEarlierVersionSaved) {
  send(7, RequestKind::get, Purpose::other);
  std::istringstream words(bill_->save());
  std::string old = "1";
  std::string word;
  words >> word;
  ASSERT_EQ(word, "2");
  // The month's counts begin after eight numbers; two purposes of five kinds each came last.
  for (int i = 0; words >> word; ++i) {
    if (i < 8 + 30 || i >= 8 + 40) old += " " + word;
  }
  clock_.advance(hours(1));
  start();
  bill_->restore(old);
  EXPECT_EQ(bill_->fleet().this_month.of(Purpose::other), 7U);
  EXPECT_EQ(bill_->fleet().this_month.total(), 7U);
  send(1, RequestKind::list, Purpose::audit);
  const std::string saved = bill_->save();
  start();
  bill_->restore(saved);
  EXPECT_EQ(bill_->fleet().this_month.of(Purpose::audit), 1U);
}

TEST_F(BillTest, PassesOverWhatItDidNotSave) {
  const std::string saved = bill_->save();
  for (const std::string& text :
       {std::string(), std::string("1 2 3"), "9" + saved, saved.substr(0, saved.size() / 2)}) {
    bill_->restore(text);
    EXPECT_EQ(base::to_rfc3339(bill_->fleet().month_counted_from), "2029-04-10T12:00:00Z") << text;
  }
  send(5);
  const std::string from_tomorrow = bill_->save();
  clock_.advance(-hours(24));
  start();
  bill_->restore(from_tomorrow);
  EXPECT_EQ(bill_->fleet().this_month.total(), 0U);
}

TEST_F(BillTest, IsThereForRequestsThatEndAfterIt) {
  const auto observer = bill_->charge(Purpose::capture, kGuid);
  bill_.reset();
  observer->on_request(RequestKind::put);
  observer->on_bytes(1, 2);
}

}  // namespace
}  // namespace engine
