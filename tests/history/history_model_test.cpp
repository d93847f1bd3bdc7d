// A daemon that lives for a year in the model keeps its promises at every moment that is looked at.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "daemon.h"
#include "history/calendar.h"
#include "history/restore_plan.h"

namespace history::model {
namespace {

using base::Txid;
using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;

const CompactionRules kRules;

class Year : public testing::TestWithParam<Pattern> {
 protected:
  void run(const std::function<void(UnixMillis)>& look) {
    Commit commit;
    UnixMillis next_look = kStart + hours{7};
    const UnixMillis end = kStart + days{GetParam().days};
    const auto look_until = [&](UnixMillis time) {
      for (; next_look <= time && !HasFailure(); next_look += days{6} + hours{5}) {
        daemon_.pass(next_look);
        look(next_look);
      }
    };
    for (std::uint64_t i = 0; GetParam().next(i, commit) && commit.time < end && !HasFailure(); ++i) {
      look_until(commit.time);
      daemon_.commit(commit);
    }
    daemon_.pass(end);
    look_until(end);
  }

  [[nodiscard]] const Written& written() const { return daemon_.written(); }

  // The last TXID at or before a time; 0: none.
  [[nodiscard]] Txid last_before(UnixMillis time) const {
    std::uint64_t low = 0;
    for (std::uint64_t high = written().newest().value + 1; high - low > 1;) {
      const std::uint64_t middle = (low + high) / 2;
      (written().time(Txid{middle}) < time ? low : high) = middle;
    }
    return Txid{low};
  }

  void expect_restorable(Txid txid, UnixMillis now) {
    const auto plan = plan_restore(daemon_.inventory(), {.txid = txid, .before = {}});
    ASSERT_TRUE(plan) << txid.value << " at " << base::to_rfc3339(now) << ": " << plan.error().message;
    EXPECT_LE(plan->size(), kRules.plan_objects_max) << txid.value;
    std::uint64_t bytes = 0;
    for (const Object& object : *plan) bytes += object.size_bytes;
    const double limit = std::max(static_cast<double>(kRules.plan_bytes_floor),
                                  kRules.plan_bytes_factor * static_cast<double>(written().image_bytes(txid)));
    EXPECT_LE(static_cast<double>(bytes), limit) << txid.value << " of " << plan->size() << " objects";
    const auto by_time =
        plan_restore(daemon_.inventory(), {.txid = {}, .before = written().time(txid) + UnixMillis{1}});
    ASSERT_TRUE(by_time) << by_time.error().message;
    EXPECT_EQ(by_time->back().max, txid);
  }

  // Every slot that is promised and had a commit, worked out from what was committed and not from what is stored.
  void expect_slots(Slot slot, std::chrono::milliseconds keep, UnixMillis now) {
    for (SlotSpan span = slot_of(slot, now - keep); span.begin <= now; span = slot_of(slot, span.end)) {
      if (span.end <= now - keep) continue;
      const Txid last = last_before(std::min(span.end, now + UnixMillis{1}));
      if (last.value > 0 && written().time(last) >= span.begin) expect_restorable(last, now);
    }
  }

  void expect_window(UnixMillis now) {
    const Txid first = last_before(now - hours{24});
    const Txid last = written().newest();
    for (int i = 0; i < 40 && last.value > 0; ++i) {
      const std::uint64_t low = std::max<std::uint64_t>(first.value, 1);
      expect_restorable(Txid{std::uniform_int_distribution<std::uint64_t>(low, last.value)(random_)}, now);
    }
  }

  Daemon daemon_{GetParam(), RetentionPolicy{}};
  std::mt19937_64 random_{1};
};

std::string name_of_test(const testing::TestParamInfo<Pattern>& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
}

INSTANTIATE_TEST_SUITE_P(Patterns, Year, testing::ValuesIn(all_patterns()), name_of_test);

TEST_P(Year, EveryPromisedPointIsRestorableWithinTheBounds) {
  int looks = 0;
  run([&](UnixMillis now) {
    ++looks;
    if (written().newest().value == 0) return;
    const RetentionPolicy policy;
    expect_window(now);
    expect_slots(Slot::hour, policy.hourly, now);
    expect_slots(Slot::day, policy.daily, now);
    expect_slots(Slot::week, policy.weekly, now);
    expect_slots(Slot::month, policy.monthly, now);
    const auto whole = plan_restore(daemon_.inventory(), {});
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(whole->back().max, written().newest());
  });
  EXPECT_GE(looks, GetParam().days / 7);
  EXPECT_LE(daemon_.figures().plan_objects_max, kRules.plan_objects_max);
  EXPECT_LE(daemon_.figures().plan_factor_max, kRules.plan_bytes_factor);
}

const Pattern& pattern(std::string_view name) {
  static const std::vector<Pattern> all = all_patterns();
  return *std::ranges::find(all, name, &Pattern::name);
}

Figures a_year_of(std::string_view name, int from_day, int days_count) {
  Daemon daemon(pattern(name), {});
  Commit commit;
  Figures before;
  const UnixMillis begin = kStart + days{from_day};
  bool begun = false;
  for (std::uint64_t i = 0; pattern(name).next(i, commit) && commit.time < begin + days{days_count}; ++i) {
    if (!begun && commit.time >= begin) {
      begun = true;
      before = daemon.figures();
    }
    daemon.commit(commit);
  }
  Figures after = daemon.figures();
  after.puts -= before.puts;
  after.gets -= before.gets;
  after.heads -= before.heads;
  after.deletes -= before.deletes;
  return after;
}

TEST(Cost, ACommitAMinuteTakesAtMost1700RequestsADay) {
  for (const std::string_view name : {"a minute", "a minute, tiny"}) {
    const Figures month = a_year_of(name, 30, 30);
    EXPECT_GE(month.requests(), 30U * 1440) << name;
    EXPECT_LE(month.requests(), 30U * 1700) << name;
  }
}

TEST(Cost, AnIdleDatabaseHasNothingDueOnceItsHistoryHasThinnedOut) {
  Daemon daemon(pattern("a minute"), {});
  Commit commit;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    pattern("a minute").next(i, commit);
    daemon.commit(commit);
  }
  const std::uint64_t uploads = daemon.figures().puts;
  std::size_t passes = 0;
  UnixMillis last = commit.time;
  for (; daemon.next_pass() && passes < 1000; ++passes) {
    last = *daemon.next_pass();
    daemon.pass(last);
  }
  EXPECT_FALSE(daemon.next_pass());
  EXPECT_LE(passes, 300U);
  EXPECT_LE(last, commit.time + days{365 + 31 + 1});
  EXPECT_EQ(daemon.figures().puts, uploads);
  const auto plan = plan_restore(daemon.inventory(), {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(daemon.inventory().size(), plan->size()) << "only what the newest state needs is left";
}

}  // namespace
}  // namespace history::model
