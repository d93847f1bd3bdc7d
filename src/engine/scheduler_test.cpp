#include "engine/scheduler.h"

#include <latch>

#include <gtest/gtest.h>

#include "engine/testing.h"

namespace engine {
namespace {

using engine::testing::eventually;
using Due = std::optional<base::SteadyTime>;

Due now() {
  return std::chrono::steady_clock::now();
}

TEST(Scheduler, RunsNothingThatWasNotWoken) {
  Scheduler scheduler(2);
  std::atomic<int> runs{0}, others{0};
  scheduler.add([&]() -> Due { return ++runs, std::nullopt; });
  Scheduler::Task* other = scheduler.add([&]() -> Due { return ++others, std::nullopt; });
  scheduler.wake(other);
  ASSERT_TRUE(eventually([&] { return others == 1 && scheduler.at_rest(); }));
  EXPECT_EQ(runs, 0);
}

TEST(Scheduler, RunsATaskOnOneWorkerAtATimeAndAfterEveryWake) {
  Scheduler scheduler(4);
  std::atomic<int> inside{0}, wanted{0}, seen{0};
  std::atomic<bool> overlapped{false};
  Scheduler::Task* task = scheduler.add([&]() -> Due {
    if (++inside != 1) overlapped = true;
    seen = wanted.load();
    std::this_thread::yield();
    --inside;
    return std::nullopt;
  });
  constexpr int kWakes = 500;
  std::vector<std::thread> wakers;
  for (int i = 0; i < 4; ++i) {
    wakers.emplace_back([&] {
      for (int wake = 0; wake < kWakes; ++wake) {
        ++wanted;
        scheduler.wake(task);
      }
    });
  }
  for (std::thread& waker : wakers) waker.join();
  EXPECT_TRUE(eventually([&] { return scheduler.at_rest(); }));
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(seen, 4 * kWakes) << "the last wake was not followed by a run";
}

TEST(Scheduler, AWakeDuringARunCausesAnother) {
  Scheduler scheduler(2);
  std::latch entered(1), go_on(1);
  std::atomic<int> runs{0};
  Scheduler::Task* task = scheduler.add([&]() -> Due {
    if (++runs == 1) {
      entered.count_down();
      go_on.wait();
    }
    return std::nullopt;
  });
  scheduler.wake(task);
  entered.wait();
  scheduler.wake(task);
  scheduler.wake(task);
  EXPECT_EQ(runs, 1);
  go_on.count_down();
  EXPECT_TRUE(eventually([&] { return scheduler.at_rest(); }));
  EXPECT_EQ(runs, 2);
}

TEST(Scheduler, WakesOfAQueuedTaskAreOne) {
  Scheduler scheduler(1);
  std::latch entered(1), go_on(1);
  std::atomic<int> runs{0};
  Scheduler::Task* blocker = scheduler.add([&]() -> Due {
    entered.count_down();
    go_on.wait();
    return std::nullopt;
  });
  Scheduler::Task* task = scheduler.add([&]() -> Due { return ++runs, std::nullopt; });
  scheduler.wake(blocker);
  entered.wait();
  for (int i = 0; i < 10; ++i) scheduler.wake(task);
  go_on.count_down();
  EXPECT_TRUE(eventually([&] { return scheduler.at_rest(); }));
  EXPECT_EQ(runs, 1);
}

TEST(Scheduler, ReadyTasksRunInTheOrderInWhichTheyBecameReady) {
  Scheduler scheduler(1);
  std::latch entered(1), go_on(1);
  std::vector<int> order;
  Scheduler::Task* blocker = scheduler.add([&]() -> Due {
    entered.count_down();
    go_on.wait();
    return std::nullopt;
  });
  std::vector<Scheduler::Task*> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(scheduler.add([&order, i]() -> Due { return order.push_back(i), std::nullopt; }));
  }
  scheduler.wake(blocker);
  entered.wait();
  for (const int i : {2, 0, 3, 1}) scheduler.wake(tasks[static_cast<std::size_t>(i)]);
  go_on.count_down();
  EXPECT_TRUE(eventually([&] { return scheduler.at_rest(); }));
  scheduler.stop();
  EXPECT_EQ(order, (std::vector<int>{2, 0, 3, 1}));
}

TEST(Scheduler, ATimerRunsItsTaskAgainAndNoTimerMeansRest) {
  Scheduler scheduler(2);
  std::atomic<int> runs{0};
  Scheduler::Task* task = scheduler.add([&]() -> Due {
    if (++runs == 3) return std::nullopt;
    return *now() + std::chrono::milliseconds(1);
  });
  scheduler.wake(task);
  EXPECT_TRUE(eventually([&] { return runs == 3 && scheduler.at_rest(); }));
}

TEST(Scheduler, ALaterTimerDoesNotHoldUpAnEarlierOne) {
  Scheduler scheduler(1);
  std::atomic<int> early{0}, late{0};
  Scheduler::Task* first = scheduler.add([&]() -> Due { return ++late, *now() + std::chrono::hours(1); });
  Scheduler::Task* second = scheduler.add([&]() -> Due { return ++early == 1 ? now() : std::nullopt; });
  scheduler.wake(first);
  scheduler.wake(second);
  EXPECT_TRUE(eventually([&] { return early == 2; }));
  EXPECT_EQ(late, 1);
  EXPECT_TRUE(eventually([&] { return scheduler.at_rest(); })) << "pending timers are rest";
}

TEST(Scheduler, AWakeVoidsTheTimerThatWasSetBefore) {
  Scheduler scheduler(1);
  std::atomic<int> runs{0}, witness{0};
  const base::SteadyTime due = *now() + std::chrono::milliseconds(20);
  Scheduler::Task* task = scheduler.add([&]() -> Due { return ++runs == 1 ? Due(due) : std::nullopt; });
  // Due after the voided timer would have been: when it ran its second time, that one would have run too.
  Scheduler::Task* later =
      scheduler.add([&]() -> Due { return ++witness == 1 ? Due(due + std::chrono::milliseconds(1)) : std::nullopt; });
  scheduler.wake(task);
  ASSERT_TRUE(eventually([&] { return runs >= 1; }));
  const bool in_time = *now() < due;
  scheduler.wake(task);
  scheduler.wake(later);
  EXPECT_TRUE(eventually([&] { return witness == 2 && scheduler.at_rest(); }));
  EXPECT_TRUE(!in_time || runs == 2) << runs;
}

TEST(Scheduler, StopWaitsForWhatRunsAndStartsNothingMore) {
  Scheduler scheduler(1);
  std::latch entered(1), go_on(1);
  std::atomic<int> finished{0}, others{0};
  Scheduler::Task* task = scheduler.add([&]() -> Due {
    entered.count_down();
    go_on.wait();
    ++finished;
    return std::nullopt;
  });
  Scheduler::Task* other = scheduler.add([&]() -> Due { return ++others, std::nullopt; });
  scheduler.wake(task);
  entered.wait();
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    scheduler.stop();
    stopped = true;
  });
  EXPECT_FALSE(stopped);
  go_on.count_down();
  stopper.join();
  scheduler.wake(other);
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace engine
