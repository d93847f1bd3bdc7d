#include "engine/lost_points.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using namespace std::chrono_literals;

base::UnixMillis at(std::chrono::milliseconds time) {
  return base::UnixMillis{1'700'000'000'000} + time;
}

TEST(LostPoints, AreThoseThatALaterStateReplacedUnsent) {
  LostPointCounter counter(1s);
  counter.upload_started(at(0s));
  for (int second = 1; second <= 10; ++second) counter.changed(at(second * 1s));
  EXPECT_EQ(counter.total(at(11s), true), (LostPoints{9, at(1s), at(9s)})) << "the tenth is in the next object";
  EXPECT_EQ(counter.upload_ended(at(11s), true).count, 9U);
  EXPECT_EQ(counter.total(at(12s), false), (LostPoints{9, at(1s), at(9s)}));
}

TEST(LostPoints, AreOnePerIntervalHoweverManyCommits) {
  LostPointCounter counter(1s);
  counter.upload_started(at(0s));
  for (int i = 0; i < 1000; ++i) counter.changed(at(i * 3ms));
  EXPECT_EQ(counter.total(at(3s), true).count, 2U);
}

TEST(LostPoints, OfAQuietDatabaseAreNone) {
  LostPointCounter counter(1s);
  counter.upload_started(at(0s));
  counter.changed(at(1s));
  EXPECT_EQ(counter.upload_ended(at(1h), true).count, 0U) << "its newest state is stored after the outage";
}

TEST(LostPoints, OfAnUploadThatIsMerelySlowAreNone) {
  LostPointCounter counter(100ms);
  counter.upload_started(at(0s));
  for (int i = 1; i < 20; ++i) counter.changed(at(i * 100ms));
  EXPECT_EQ(counter.total(at(2s), false).count, 0U);
  EXPECT_EQ(counter.total(at(6s), false).count, 18U) << "a store that does not answer is an outage too";
  EXPECT_EQ(counter.upload_ended(at(2s), false).count, 0U);
  EXPECT_EQ(counter.total(at(7s), false).count, 0U);
}

TEST(LostPoints, AddUpAndTheSpanIsTheLatest) {
  LostPointCounter counter(1s);
  for (const auto start : {0min, 60min}) {
    counter.upload_started(at(start));
    for (int second = 1; second <= 3; ++second) counter.changed(at(start + second * 1s));
    counter.upload_ended(at(start + 4s), true);
  }
  EXPECT_EQ(counter.total(at(2h), false), (LostPoints{4, at(60min + 1s), at(60min + 2s)}));
}

TEST(LostPoints, NeedAnUploadThatWaits) {
  LostPointCounter counter(1s);
  for (int second = 1; second <= 3; ++second) counter.changed(at(second * 1s));
  EXPECT_EQ(counter.total(at(1min), true).count, 0U);
}

}  // namespace
}  // namespace engine
