#include "history/restore_plan.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace history {
namespace {

using base::Category;
using nlohmann::json;

BackupFile file(std::uint64_t level, std::uint64_t min, std::uint64_t max, std::int64_t created_at) {
  return {.name = {base::Level{static_cast<std::uint8_t>(level)}, base::Txid{min}, base::Txid{max}},
          .key = {},
          .size_bytes = 1000,
          .created_at = base::UnixMillis{created_at}};
}

std::vector<json> cases() {
  return json::parse(std::ifstream(LM_TEST_DATA_DIR "/ltx/restore-plan.json"))["cases"];
}

class PlannerCases : public testing::TestWithParam<json> {};

INSTANTIATE_TEST_SUITE_P(Golden, PlannerCases, testing::ValuesIn(cases()));

TEST_P(PlannerCases, AnswerIsTheReferencePlanners) {
  const json& c = GetParam();
  SCOPED_TRACE(c["name"].get<std::string>());
  std::vector<BackupFile> files;
  for (const auto& f : c["files"]) files.push_back(file(f[0], f[1], f[2], f[3]));
  RestoreTarget target;
  if (c["txid"] != 0) target.txid = base::Txid{c["txid"]};
  if (c["timestamp_ms"] != 0) target.before = base::UnixMillis{c["timestamp_ms"].get<std::int64_t>()};

  const auto plan = plan_restore(std::move(files), target);
  if (c.contains("error")) {
    const std::map<std::string, Category> categories = {{"TX_NOT_AVAILABLE", Category::not_found},
                                                        {"NON_CONTIGUOUS", Category::corrupt},
                                                        {"INVALID_OPTIONS", Category::invalid}};
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().category, categories.at(c["error"])) << plan.error().message;
    return;
  }
  ASSERT_TRUE(plan) << plan.error().message;
  json got = json::array();
  for (const BackupFile& f : *plan) got.push_back({f.name.level.value, f.name.min.value, f.name.max.value});
  EXPECT_EQ(got, c["plan"]);
}

TEST(RestorePlan, HasAllGoldenCases) {
  EXPECT_EQ(cases().size(), 36U);
}

TEST(RestorePlan, DoesNotDependOnTheOrderOfTheListing) {
  const std::vector<BackupFile> files = {file(0, 3, 3, 3), file(9, 1, 2, 2), file(0, 2, 2, 2), file(0, 4, 4, 4)};
  const auto plan = plan_restore(files, {});
  ASSERT_TRUE(plan) << plan.error().message;
  std::vector<std::uint64_t> ends;
  for (const BackupFile& f : *plan) ends.push_back(f.name.max.value);
  EXPECT_EQ(ends, (std::vector<std::uint64_t>{2, 3, 4}));
}

TEST(RestorePlan, TheLargestTxidDoesNotWrap) {
  const auto plan = plan_restore({file(0, 1, UINT64_MAX, 1), file(0, 2, 2, 1)}, {});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->size(), 1U);
}

}  // namespace
}  // namespace history
