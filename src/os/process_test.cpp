#include "os/process.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/file.h"
#include "os/signals.h"
#include "os/testing.h"

namespace os {
namespace {

TEST(Process, UsageCountsDescriptorsMemoryAndTime) {
  const testing::TempDir dir;
  const ProcessUsage before = process_usage();
  const File file = *File::create(dir / "a");
  const ProcessUsage after = process_usage();
  EXPECT_EQ(after.open_descriptors, before.open_descriptors + 1);
  EXPECT_GT(after.resident_bytes, 1U << 20);
  EXPECT_GE(after.cpu_seconds, before.cpu_seconds);
  EXPECT_GT(after.cpu_seconds, 0);
}

TEST(Process, OnlyTheThreadThatAsksLetsApplicationsGoFirst) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  int inside = before;
  std::thread([&] {
    let_applications_go_first();
    inside = ::getpriority(PRIO_PROCESS, 0);
  }).join();
  EXPECT_EQ(inside, std::min(before + 5, 19));
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
}

TEST(Process, KnowsItsNames) {
  EXPECT_EQ(process_id(), ::getpid());
  EXPECT_FALSE(host_name().empty());
  EXPECT_EQ(boot_id().size(), 36U);
  EXPECT_EQ(boot_id(), boot_id());
}

TEST(Process, DescriptorLimitIsRaisedToTheHardOne) {
  const std::uint64_t limit = descriptor_limit();
  EXPECT_GE(limit, 256U);
  EXPECT_EQ(static_cast<std::uint64_t>(::sysconf(_SC_OPEN_MAX)), limit);
}

TEST(SignalWaiter, TellsTheFirstSignalFromLaterOnesAndAHangupFromBoth) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<StopSignal> seen;
  unsigned hangups = 0;
  const auto waiter = SignalWaiter::start(
      [&](StopSignal signal) {
        const std::scoped_lock lock(mutex);
        seen.push_back(signal);
        changed.notify_all();
      },
      [&] {
        const std::scoped_lock lock(mutex);
        ++hangups;
        changed.notify_all();
      });
  ASSERT_TRUE(waiter.has_value());
  const auto send_and_wait = [&](int number, std::size_t count) {
    ::kill(::getpid(), number);
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds{30}, [&] { return seen.size() == count; });
  };
  ASSERT_TRUE(send_and_wait(SIGTERM, 1));
  ASSERT_TRUE(send_and_wait(SIGINT, 2));
  ASSERT_TRUE(send_and_wait(SIGTERM, 3));
  EXPECT_EQ(seen, (std::vector{StopSignal::first, StopSignal::repeated, StopSignal::repeated}));
  EXPECT_EQ(hangups, 0U);
  ::kill(::getpid(), SIGHUP);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds{30}, [&] { return hangups == 1; }));
  EXPECT_EQ(seen.size(), 3U) << "it does not ask to stop";
  ::raise(SIGPIPE);  // would end the test if it were not ignored
  ::raise(SIGIO);
}

}  // namespace
}  // namespace os
