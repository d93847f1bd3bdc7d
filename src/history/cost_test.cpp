#include "history/cost.h"

#include <gtest/gtest.h>

namespace history {
namespace {

TEST(Cost, IsCountedByKind) {
  EXPECT_DOUBLE_EQ(request_cost({.puts = 1000, .gets = 2000, .lists = 3000, .heads = 500, .deletes = 9000}),
                   0.005 + 0.0008 + 0.015 + 0.0002);
  EXPECT_DOUBLE_EQ(storage_cost(2.0 * (1ULL << 30)), 0.046);
  EXPECT_DOUBLE_EQ(download_cost(2.0 * (1ULL << 30), {.download_per_gb = 0.09}), 0.18);
  const PriceTable each{
      .put_per_1000 = 1, .get_per_1000 = 2, .list_per_1000 = 4, .head_per_1000 = 8, .delete_per_1000 = 16};
  EXPECT_DOUBLE_EQ(request_cost({.puts = 1000, .gets = 1000, .lists = 1000, .heads = 1000, .deletes = 1000}, each), 31);
}

TEST(Cost, AnIdleDatabaseCostsNoRequest) {
  EXPECT_EQ(predict_requests({}).total(), 0);
}

// What the model of histories counts (docs/decisions/0011): 1,634, 21,483 * 7 / 5 on a working day, 363 and 2 a day.
TEST(Cost, ThePredictionIsNearTheModel) {
  EXPECT_NEAR(predict_requests({.commits_per_day = 1440}).total(), 1634, 50);
  EXPECT_NEAR(predict_requests({.commits_per_day = 28'800, .active_hours_per_day = 8}).total(), 21'483 * 7.0 / 5, 960);
  EXPECT_NEAR(predict_requests({.commits_per_day = 288}).total(), 363, 11);
}

}  // namespace
}  // namespace history
