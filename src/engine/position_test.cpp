#include "engine/position.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kNow{1'700'000'000'000};

std::int64_t ns_before_now(milliseconds age) {
  return nanoseconds(kNow - age).count();
}

os::FileStat stat_of_age(milliseconds age) {
  os::FileStat stat;
  stat.device = 1;
  stat.inode = 2;
  stat.links = 1;
  stat.size_bytes = 8192;
  stat.modified_ns = ns_before_now(age);
  stat.changed_ns = ns_before_now(age);
  stat.born_ns = 5;
  return stat;
}

TEST(Fingerprint, OfAFileThatHoldsEverythingAndIsOldIsAProof) {
  const Fingerprint taken = take_fingerprint(stat_of_age(milliseconds(1000)), true, kNow);
  EXPECT_TRUE(taken.complete);
  EXPECT_TRUE(unchanged(taken, stat_of_age(milliseconds(1000))));
}

TEST(Fingerprint, TakenWithinTheTickOfTheLastWriteProvesNothing) {
  EXPECT_FALSE(take_fingerprint(stat_of_age(milliseconds(0)), true, kNow).complete);
  EXPECT_FALSE(take_fingerprint(stat_of_age(os::kTimestampGranularity), true, kNow).complete);
  EXPECT_TRUE(take_fingerprint(stat_of_age(os::kTimestampGranularity + milliseconds(1)), true, kNow).complete);
}

TEST(Fingerprint, IsRacyIfOnlyOneOfTheTwoTimesIsYoung) {
  os::FileStat stat = stat_of_age(milliseconds(1000));
  stat.changed_ns = ns_before_now(milliseconds(1));
  EXPECT_FALSE(take_fingerprint(stat, true, kNow).complete);
  stat = stat_of_age(milliseconds(1000));
  stat.modified_ns = ns_before_now(milliseconds(1));
  EXPECT_FALSE(take_fingerprint(stat, true, kNow).complete);
}

TEST(Fingerprint, TakenWhileTheLogHeldMoreProvesNothing) {
  const Fingerprint taken = take_fingerprint(stat_of_age(milliseconds(1000)), false, kNow);
  EXPECT_FALSE(taken.complete);
  EXPECT_FALSE(unchanged(taken, stat_of_age(milliseconds(1000))));
}

TEST(Fingerprint, SeesEveryKindOfChange) {
  const Fingerprint taken = take_fingerprint(stat_of_age(milliseconds(1000)), true, kNow);
  const std::vector<std::pair<std::string, std::function<void(os::FileStat&)>>> changes{
      {"device", [](os::FileStat& s) { ++s.device; }},         {"inode", [](os::FileStat& s) { ++s.inode; }},
      {"size", [](os::FileStat& s) { s.size_bytes += 4096; }}, {"modified", [](os::FileStat& s) { ++s.modified_ns; }},
      {"changed", [](os::FileStat& s) { ++s.changed_ns; }},    {"born", [](os::FileStat& s) { ++s.born_ns; }}};
  for (const auto& [name, change] : changes) {
    os::FileStat now = stat_of_age(milliseconds(1000));
    change(now);
    EXPECT_FALSE(unchanged(taken, now)) << name;
  }
}

TEST(PositionText, ComesBackAsItWas) {
  Position log{PositionKind::log, {{0xffffffff, 2}, 77, {0xfffffffe, 4}, 65536, true}};
  EXPECT_EQ(parse_position(to_text(log)), log);
  log.log.big_endian = false;
  EXPECT_EQ(parse_position(to_text(log)), log);
  EXPECT_EQ(parse_position(to_text(Position{})), Position{});
  const Position closed{PositionKind::closed, {}};
  EXPECT_EQ(parse_position(to_text(closed)), closed);
}

TEST(FingerprintText, ComesBackAsItWas) {
  Fingerprint taken = take_fingerprint(stat_of_age(milliseconds(1000)), true, kNow);
  const auto back = parse_fingerprint(to_text(taken));
  ASSERT_TRUE(back.has_value());
  EXPECT_TRUE(unchanged(*back, stat_of_age(milliseconds(1000))));
  taken.complete = false;
  EXPECT_FALSE(parse_fingerprint(to_text(taken))->complete);
}

TEST(FingerprintText, OfAYoungOneNothingIsWrittenDown) {
  const os::FileStat stat = stat_of_age(milliseconds(0));
  const Fingerprint young = take_fingerprint(stat, true, kNow);
  EXPECT_TRUE(untouched(young, stat)) << "as far as known";
  EXPECT_FALSE(untouched(parse_fingerprint(to_text(young)).value(), stat));
  EXPECT_FALSE(untouched(Fingerprint{}, os::FileStat{})) << "nothing known is no proof";
  const os::FileStat old = stat_of_age(milliseconds(1000));
  EXPECT_TRUE(untouched(parse_fingerprint(to_text(take_fingerprint(old, false, kNow))).value(), old));
}

TEST(PositionText, UnknownOrDamagedIsNotBelieved) {
  for (const std::string text :
       {"", "open", "log2 1 2 3 4 5 4096 0", "log1", "log1 1 2 3 4 5 4096", "log1 1 2 3 4 5 4096 2",
        "log1 x 2 3 4 5 4096 0", "log1 1 2 3 4 5 99999999999 0", "log1 -1 2 3 4 5 4096 0", "log1 1 2 3 4 5 4096 0 9",
        "log1 1 2 3 4 5 4097 0", "none ", "closed now"}) {
    EXPECT_EQ(parse_position(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(FingerprintText, UnknownOrDamagedIsNotBelieved) {
  for (const std::string text : {"", "fp2 1 1 1 1 1 1 1", "fp1", "fp1 1 1 1 1 1 1", "fp1 1 1 1 1 1 x 1",
                                 "fp1 1 1 1 1 1 1 1 1", "fp1 7 1 1 1 1 1 1"}) {
    EXPECT_EQ(parse_fingerprint(text), std::nullopt) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace engine
