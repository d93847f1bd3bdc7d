#include "os/directory_watcher.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <semaphore>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/testing.h"

namespace os {
namespace {

using testing::append_text;
using testing::TempDir;
using testing::write_text;

constexpr std::chrono::seconds kPatience{30};

std::string shm_of_wal(std::string_view name) {
  if (!name.ends_with("-wal")) return "";
  return std::string(name.substr(0, name.size() - 4)) + "-shm";
}

std::unique_ptr<DirectoryWatcher> make(WatcherOptions options = {}) {
  auto watcher = make_directory_watcher(std::move(options));
  CHECK(watcher.has_value());
  return std::move(*watcher);
}

// Everything that happened before the call.
std::vector<WatchEvent> take_all(DirectoryWatcher& watcher) {
  const std::uint64_t mark = watcher.stream_mark();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<WatchEvent> all;
  while (watcher.taken_position() < mark && std::chrono::steady_clock::now() < deadline) {
    std::ranges::move(watcher.take(std::chrono::milliseconds{1}), std::back_inserter(all));
  }
  return all;
}

std::vector<std::pair<EventKind, std::string>> kinds(const std::vector<WatchEvent>& events) {
  std::vector<std::pair<EventKind, std::string>> result;
  result.reserve(events.size());
  for (const WatchEvent& event : events) result.emplace_back(event.kind, event.name);
  return result;
}

using Kinds = std::vector<std::pair<EventKind, std::string>>;

TEST(DirectoryWatcher, TellsTheLifeOfAFile) {
  const TempDir dir;
  const auto watcher = make();
  const WatchId id = watcher->add(dir.path()).value();
  write_text(dir / "a", "x");
  append_text(dir / "a", "y");
  ASSERT_TRUE(remove_file(dir / "a").has_value());
  const auto events = take_all(*watcher);
  EXPECT_EQ(kinds(events), (Kinds{{EventKind::created, "a"},
                                  {EventKind::modified, "a"},
                                  {EventKind::closed_after_write, "a"},
                                  {EventKind::modified, "a"},
                                  {EventKind::closed_after_write, "a"},
                                  {EventKind::deleted, "a"}}));
  for (const WatchEvent& event : events) EXPECT_EQ(event.watch, id);
  EXPECT_TRUE(std::ranges::is_sorted(events, std::ranges::less_equal{}, &WatchEvent::position));
}

TEST(DirectoryWatcher, PairsRenamesByCookieAndSeesMovesInAndOut) {
  const TempDir dir;
  const TempDir elsewhere;
  write_text(elsewhere / "in", "x");
  write_text(dir / "over", "old");
  const auto watcher = make();
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  fs::rename(elsewhere / "in", dir / "in");
  fs::rename(dir / "in", dir / "over");
  fs::rename(dir / "over", elsewhere / "out");
  const auto events = take_all(*watcher);
  ASSERT_EQ(kinds(events), (Kinds{{EventKind::moved_to, "in"},
                                  {EventKind::moved_from, "in"},
                                  {EventKind::moved_to, "over"},
                                  {EventKind::moved_from, "over"}}));
  EXPECT_NE(events[1].move_cookie, 0U);
  EXPECT_EQ(events[1].move_cookie, events[2].move_cookie);
}

TEST(DirectoryWatcher, HardLinkIsACreation) {
  const TempDir dir;
  const TempDir elsewhere;
  write_text(elsewhere / "a", "x");
  const auto watcher = make();
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  fs::create_hard_link(elsewhere / "a", dir / "b");
  EXPECT_EQ(kinds(take_all(*watcher)), (Kinds{{EventKind::created, "b"}}));
}

TEST(DirectoryWatcher, OpensACreatedLogAndItsCompanionAtOnce) {
  const TempDir dir;
  write_text(dir / "x.db-shm", "index");
  const auto watcher = make({.companion_to_open = shm_of_wal});
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  write_text(dir / "x.db-wal", "log");
  write_text(dir / "y.txt", "");
  const std::uint64_t before_delete = watcher->stream_mark();
  auto events = take_all(*watcher);
  ASSERT_FALSE(events.empty());
  ASSERT_EQ(events[0].kind, EventKind::created);
  ASSERT_TRUE(events[0].opened.is_open() && events[0].opened_companion.is_open());
  EXPECT_GE(events[0].open_mark, events[0].position);
  EXPECT_LE(events[0].open_mark, before_delete);
  base::Bytes bytes(5);
  EXPECT_EQ(events[0].opened.read_at(0, bytes).value(), 3U);
  EXPECT_EQ(events[0].opened_companion.read_at(0, bytes).value(), 5U);
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_FALSE(events[i].opened.is_open()) << events[i].name;
}

TEST(DirectoryWatcher, DeliversTheCloseOfAWalIndexAfterWriting) {
  const TempDir dir;
  ASSERT_EQ(testing::run_sqlite(dir / "x.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a);"), 0);
  const auto watcher = make();
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  ASSERT_EQ(testing::run_sqlite(dir / "x.db", "INSERT INTO t VALUES(1);"), 0);
  const auto seen = kinds(take_all(*watcher));
  EXPECT_NE(std::ranges::find(seen, std::pair(EventKind::closed_after_write, std::string("x.db-shm"))), seen.end());
  EXPECT_NE(std::ranges::find(seen, std::pair(EventKind::modified, std::string("x.db-wal"))), seen.end());
}

TEST(DirectoryWatcher, SameDirectoryHasOneId) {
  const TempDir dir;
  const auto watcher = make();
  const WatchId id = watcher->add(dir.path()).value();
  EXPECT_EQ(watcher->add(dir.path()).value(), id);
  EXPECT_NE(watcher->add(fs::temp_directory_path()).value(), id);
}

TEST(DirectoryWatcher, RefusesWhatIsNoDirectory) {
  const TempDir dir;
  write_text(dir / "file", "");
  fs::create_directory_symlink(dir.path(), dir / "link");
  const auto watcher = make();
  EXPECT_EQ(watcher->add(dir / "absent").error().category, base::Category::not_found);
  EXPECT_EQ(watcher->add(dir / "file").error().category, base::Category::not_found);
  EXPECT_FALSE(watcher->add(dir / "link").has_value());
}

TEST(DirectoryWatcher, DeletedDirectoryIsGone) {
  const TempDir dir;
  ASSERT_TRUE(make_directories(dir / "sub").has_value());
  const auto watcher = make();
  const WatchId id = watcher->add(dir / "sub").value();
  fs::remove(dir / "sub");
  const auto events = take_all(*watcher);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::directory_gone);
  EXPECT_EQ(events[0].watch, id);
}

TEST(DirectoryWatcher, MovedDirectoryIsGoneAndNoLongerWatched) {
  const TempDir dir;
  ASSERT_TRUE(make_directories(dir / "sub").has_value());
  const auto watcher = make();
  ASSERT_TRUE(watcher->add(dir / "sub").has_value());
  fs::rename(dir / "sub", dir / "moved");
  EXPECT_EQ(kinds(take_all(*watcher)), (Kinds{{EventKind::directory_gone, ""}}));
  write_text(dir / "moved/a", "x");
  EXPECT_TRUE(take_all(*watcher).empty());
  EXPECT_TRUE(watcher->add(dir / "moved").has_value());
  write_text(dir / "moved/b", "");
  EXPECT_EQ(take_all(*watcher).size(), 2U);
}

TEST(DirectoryWatcher, MovedDirectoryThatWasAddedAgainInTimeIsNotGone) {
  const TempDir dir;
  ASSERT_TRUE(make_directories(dir / "sub").has_value());
  std::binary_semaphore go{0};
  const auto watcher = make({.companion_to_open = shm_of_wal, .before_read = [&] { go.acquire(); }});
  const WatchId id = watcher->add(dir / "sub").value();
  fs::rename(dir / "sub", dir / "moved");
  ASSERT_EQ(watcher->add(dir / "moved").value(), id);
  go.release();
  EXPECT_TRUE(take_all(*watcher).empty());
  write_text(dir / "moved/x.db-wal", "log");
  go.release();
  const auto events = take_all(*watcher);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events[0].opened.is_open());
  go.release();  // for whatever wakes it before it stops
}

TEST(DirectoryWatcher, OpensNothingThroughAPathThatLeadsElsewhereNow) {
  const TempDir dir;
  ASSERT_TRUE(make_directories(dir / "above/sub").has_value());
  const auto watcher = make({.companion_to_open = shm_of_wal});
  ASSERT_TRUE(watcher->add(dir / "above/sub").has_value());
  fs::rename(dir / "above", dir / "renamed");
  ASSERT_TRUE(make_directories(dir / "above/sub").has_value());
  write_text(dir / "above/sub/x.db-wal", "of another directory");
  write_text(dir / "renamed/sub/x.db-wal", "of ours");
  auto events = take_all(*watcher);
  ASSERT_FALSE(events.empty());
  EXPECT_FALSE(events[0].opened.is_open());
  ASSERT_TRUE(watcher->add(dir / "renamed/sub").has_value());
  write_text(dir / "renamed/sub/y.db-wal", "of ours");
  events = take_all(*watcher);
  EXPECT_TRUE(std::ranges::any_of(events, [](const WatchEvent& event) { return event.opened.is_open(); }));
}

TEST(DirectoryWatcher, RemovedWatchIsSilent) {
  const TempDir dir;
  const auto watcher = make();
  watcher->remove(watcher->add(dir.path()).value());
  watcher->remove(4711);
  write_text(dir / "a", "x");
  EXPECT_TRUE(take_all(*watcher).empty());
}

TEST(DirectoryWatcher, MarkCoversWhatHappenedBeforeItAndNothingLater) {
  const TempDir dir;
  std::binary_semaphore go{0};
  const auto watcher = make({.before_read = [&] { go.acquire(); }});
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  const std::uint64_t before = watcher->stream_mark();
  fs::create_directory(dir / "first");
  const std::uint64_t between = watcher->stream_mark();
  fs::create_directory(dir / "second");
  const std::uint64_t after = watcher->stream_mark();
  go.release();
  const auto events = take_all(*watcher);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_LT(before, events[0].position);
  EXPECT_EQ(events[0].position, between);
  EXPECT_TRUE(events[0].is_directory);
  EXPECT_EQ(events[1].position, after);
  EXPECT_EQ(watcher->taken_position(), after);
}

TEST(DirectoryWatcher, MarkNamesTheLaterLifeWhenTheFirstWasOverBeforeItWasOpened) {
  const TempDir dir;
  std::binary_semaphore go{0};
  const auto watcher = make({.companion_to_open = shm_of_wal, .before_read = [&] { go.acquire(); }});
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  write_text(dir / "x.db-wal", "first");
  ASSERT_TRUE(remove_file(dir / "x.db-wal").has_value());
  write_text(dir / "x.db-wal", "other");
  go.release();
  auto events = take_all(*watcher);
  std::erase_if(events, [](const WatchEvent& event) { return event.kind != EventKind::created; });
  ASSERT_EQ(events.size(), 2U);
  base::Bytes bytes(5);
  ASSERT_EQ(events[0].opened.read_at(0, bytes).value(), 5U);
  EXPECT_EQ(base::as_text(bytes), "other");
  EXPECT_GE(events[0].open_mark, events[1].position);
}

TEST(DirectoryWatcher, OverflowOfTheKernelsQueueIsReportedOnce) {
  const TempDir dir;
  std::binary_semaphore go{0};
  const auto watcher = make({.companion_to_open = shm_of_wal, .before_read = [&] { go.acquire(); }});
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  const File a = *File::create(dir / "a");
  const File b = *File::create(dir / "b");
  std::size_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
  for (std::size_t i = 0; i <= limit / 2 + 1; ++i) {  // alternating, or the kernel would merge them
    ASSERT_EQ(::pwrite(a.descriptor(), "x", 1, 0), 1);
    ASSERT_EQ(::pwrite(b.descriptor(), "x", 1, 0), 1);
  }
  const std::uint64_t mark = watcher->stream_mark();
  std::size_t overflows = 0;
  while (watcher->taken_position() < mark) {
    go.release();
    for (const WatchEvent& event : watcher->take(kPatience)) {
      if (event.kind == EventKind::overflow) ++overflows;
    }
  }
  EXPECT_EQ(overflows, 1U);
  write_text(dir / "c.db-wal", "x");
  go.release();
  const auto events = take_all(*watcher);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events[0].opened.is_open());  // it goes on working
  go.release();
}

TEST(DirectoryWatcher, AddingTenThousandDirectoriesIsQuick) {
  const TempDir dir;
  constexpr int kDirectories = 10'000;
  for (int i = 0; i < kDirectories; ++i) fs::create_directory(dir / std::to_string(i));
  const auto watcher = make();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kDirectories; ++i) ASSERT_TRUE(watcher->add(dir / std::to_string(i)).has_value()) << i;
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::cout << "10,000 directories added in " << took.count() << " ms\n";
  fs::create_directory(dir / "9999/x");
  EXPECT_EQ(take_all(*watcher).size(), 1U);
}

}  // namespace
}  // namespace os
