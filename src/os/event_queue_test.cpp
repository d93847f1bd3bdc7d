#include "os/event_queue.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/testing.h"

namespace os {
namespace {

constexpr std::chrono::nanoseconds kNow{0};

WatchEvent event(EventKind kind, std::string name, std::uint64_t position) {
  WatchEvent made;
  made.watch = 1;
  made.kind = kind;
  made.name = std::move(name);
  made.position = position;
  return made;
}

struct Queue {
  FileCloser closer;
  EventQueue queue;
  explicit Queue(std::size_t limit) : queue(limit, closer) {}

  void push(WatchEvent pushed) {
    const std::uint64_t position = pushed.position;
    std::vector<WatchEvent> batch;
    batch.push_back(std::move(pushed));
    queue.push(batch, position);
  }
};

TEST(EventQueue, MergesRepeatedModificationsOfOneEntryOnly) {
  Queue q(100);
  q.push(event(EventKind::modified, "a", 10));
  q.push(event(EventKind::modified, "a", 20));
  q.push(event(EventKind::modified, "b", 30));
  q.push(event(EventKind::modified, "a", 40));
  q.push(event(EventKind::deleted, "a", 50));
  q.push(event(EventKind::deleted, "a", 60));
  const auto events = q.queue.take(kNow);
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].position, 20U);
  EXPECT_EQ(events[1].name, "b");
  EXPECT_EQ(events[2].position, 40U);
  EXPECT_EQ(events[4].position, 60U);
}

TEST(EventQueue, StormOnOneEntryNeverFillsIt) {
  Queue q(4);
  for (std::uint64_t i = 1; i <= 10'000; ++i) q.push(event(EventKind::modified, "a", i));
  const auto events = q.queue.take(kNow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::modified);
  EXPECT_EQ(events[0].position, 10'000U);
}

TEST(EventQueue, FullQueueLeavesOneOverflowAndWhatComesAfter) {
  Queue q(3);
  for (std::uint64_t i = 1; i <= 4; ++i) q.push(event(EventKind::created, std::to_string(i), i));
  q.push(event(EventKind::created, "5", 5));
  const auto events = q.queue.take(kNow);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, EventKind::overflow);
  EXPECT_EQ(events[0].position, 4U);
  EXPECT_EQ(events[0].watch, -1);
  EXPECT_EQ(events[1].name, "5");
}

TEST(EventQueue, OverflowOfTheKernelClearsIt) {
  Queue q(100);
  q.push(event(EventKind::created, "a", 1));
  q.push(event(EventKind::overflow, "", 2));
  q.push(event(EventKind::overflow, "", 3));
  const auto events = q.queue.take(kNow);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::overflow);
  EXPECT_EQ(events[0].position, 3U);
}

TEST(EventQueue, FilesOfDroppedEventsAreClosed) {
  const testing::TempDir dir;
  testing::write_text(dir / "a", "");
  Queue q(100);
  WatchEvent created = event(EventKind::created, "a", 1);
  created.opened = *File::open_read_only(dir / "a");
  const int descriptor = created.opened.descriptor();
  q.push(std::move(created));
  q.push(event(EventKind::overflow, "", 2));
  q.closer.flush();
  EXPECT_LT(::fcntl(descriptor, F_GETFD), 0);
}

TEST(EventQueue, TakenPositionFollowsTheStreamAlsoWithoutEvents) {
  Queue q(100);
  std::vector<WatchEvent> nothing;
  q.queue.push(nothing, 48);
  EXPECT_EQ(q.queue.taken_position(), 0U);
  EXPECT_TRUE(q.queue.take(kNow).empty());
  EXPECT_EQ(q.queue.taken_position(), 48U);
}

TEST(EventQueue, WakeEndsATakeThatWaits) {
  Queue q(100);
  std::thread waker([&] { q.queue.wake(); });
  EXPECT_TRUE(q.queue.take(std::chrono::hours{24 * 365 * 200}).empty());
  waker.join();
}

}  // namespace
}  // namespace os
