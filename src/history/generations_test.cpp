#include "history/generations.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace history {
namespace {

using base::Category;
using nlohmann::json;

constexpr std::string_view kReplica = "r";
constexpr std::int64_t kNanosPerMilli = 1'000'000;

struct Backup {
  std::vector<GenerationObject> objects;
  json expected;
};

// A backup that Litestream 0.3.13 made.
Backup golden(const std::string& name) {
  Backup backup;
  backup.expected = json::parse(std::ifstream(LM_TEST_DATA_DIR "/v3/" + name + ".expected.json"));
  for (const json& file : backup.expected["files"]) {
    auto object = parse_generation_key(kReplica, "r/" + file["path"].get<std::string>());
    EXPECT_TRUE(object) << file["path"];
    object->created_at = base::UnixMillis{file["mtime_ns"].get<std::int64_t>() / kNanosPerMilli};
    backup.objects.push_back(*object);
  }
  return backup;
}

TEST(GenerationKeys, SayWhatTheObjectIs) {
  const auto snapshot = parse_generation_key("a/b", "a/b/generations/0123456789abcdef/snapshots/0000000a.snapshot.lz4");
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->is_snapshot);
  EXPECT_EQ(snapshot->index, 10U);
  EXPECT_EQ(snapshot->generation, "0123456789abcdef");
  const auto segment = parse_generation_key("a", "a/generations/0123456789abcdef/wal/00000001_123456789.wal.lz4");
  ASSERT_TRUE(segment);
  EXPECT_FALSE(segment->is_snapshot);
  EXPECT_EQ(segment->offset, 0x123456789U);
}

TEST(GenerationKeys, OfOthersArePassedOver) {
  for (const char* key :
       {"b/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4",
        "a/generations/0123456789ABCDEF/snapshots/00000000.snapshot.lz4",
        "a/generations/0123456789abcde/snapshots/00000000.snapshot.lz4",
        "a/generations/0123456789abcdef/snapshots/0000000.snapshot.lz4",
        "a/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4.tmp",
        "a/generations/0123456789abcdef/wal/00000000.wal.lz4", "a/generations/0123456789abcdef/wal/00000000_1.wal.lz4",
        "a/generations/0123456789abcdef/wal/00000000_11112222333344445.wal.lz4", "a/0000/x", "a/generations/"}) {
    EXPECT_FALSE(parse_generation_key("a", key)) << key;
  }
}

class GoldenGenerations : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Golden, GoldenGenerations, testing::Values("single-generation", "two-generations"));

TEST_P(GoldenGenerations, NewestStateIsTheReferences) {
  const Backup backup = golden(GetParam());
  const auto plan = plan_generation(backup.objects, std::nullopt);
  ASSERT_TRUE(plan) << plan.error().message;
  const json& wanted = backup.expected["latest_v05_algorithm"];
  EXPECT_EQ(plan->snapshot.generation, wanted["generation"]);
  EXPECT_EQ(plan->snapshot.index, wanted["snapshot_index"]);
  EXPECT_EQ(plan->segments.size(), wanted["segments"]);
}

TEST_P(GoldenGenerations, StateOfEveryTimeIsTheReferences) {
  const Backup backup = golden(GetParam());
  for (const json& at : backup.expected["at"]) {
    // All times lie tens of milliseconds behind an object's.
    std::tm tm{};
    const std::string text = at["timestamp"];
    ASSERT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm), nullptr);
    const base::UnixMillis time{timegm(&tm) * 1000 + std::stoi(text.substr(20, 3))};
    const auto plan = plan_generation(backup.objects, time);
    const json& wanted = at["v05_algorithm"];
    if (wanted.contains("error")) {
      ASSERT_FALSE(plan) << text;
      EXPECT_EQ(plan.error().category, Category::not_found);
      continue;
    }
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->snapshot.generation, wanted["generation"]) << text;
    EXPECT_EQ(plan->snapshot.index, wanted["snapshot_index"]) << text;
    EXPECT_EQ(plan->segments.size(), wanted["segments"]) << text;
  }
}

TEST(Generations, AMissingWalFileIsCorrupt) {
  Backup backup = golden("single-generation");
  std::erase_if(backup.objects, [](const GenerationObject& o) { return o.index == 1; });
  const auto plan = plan_generation(backup.objects, std::nullopt);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().category, Category::corrupt);
  EXPECT_NE(plan.error().message.find("00000002_00000000.wal.lz4"), std::string::npos) << plan.error().message;
}

TEST(Generations, ArePreferredByLitestreamsRule) {
  const auto older = [](std::int64_t at) {
    return std::vector{
        GenerationObject{.generation = "g", .is_snapshot = true, .key = {}, .created_at = base::UnixMillis{at}}};
  };
  const auto file = [](std::uint8_t level, std::int64_t at) {
    return std::vector{BackupFile{{base::Level{level}, base::Txid{1}, base::Txid{1}}, {}, 200, base::UnixMillis{at}}};
  };
  const RestoreTarget newest;
  const RestoreTarget at_50{.txid = {}, .before = base::UnixMillis{50}};
  EXPECT_TRUE(prefer_generation(older(20), file(0, 10), newest));
  EXPECT_FALSE(prefer_generation(older(10), file(0, 10), newest));
  EXPECT_FALSE(prefer_generation({}, {}, newest));
  EXPECT_TRUE(prefer_generation(older(10), {}, newest));
  EXPECT_FALSE(prefer_generation(older(20), file(0, 10), {.txid = base::Txid{1}, .before = {}}));
  EXPECT_TRUE(prefer_generation(older(20), file(9, 10), at_50));
  EXPECT_FALSE(prefer_generation(older(20), file(9, 30), at_50));
  EXPECT_TRUE(prefer_generation(older(20), file(9, 60), at_50)) << "a snapshot of later does not count";
  EXPECT_TRUE(prefer_generation(older(20), file(0, 30), at_50)) << "only snapshots are compared";
  EXPECT_FALSE(prefer_generation(older(60), file(9, 10), at_50));
}

}  // namespace
}  // namespace history
