// Databases that are opened, written and closed within a few milliseconds: SQLite deletes their log at the close, so
// only descriptors opened in between keep it readable.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "os/directory_watcher.h"
#include "os/testing.h"

namespace os {
namespace {

using testing::TempDir;

constexpr int kLives = 200;
constexpr std::string_view kLog = "x.db-wal";
constexpr std::string_view kIndex = "x.db-shm";

std::string log_and_index(std::string_view name) {
  return std::string(name == kLog || name == kIndex ? kIndex : "");
}

std::string marker(int life) {
  return "life-" + std::to_string(100'000 + life);
}

std::string content(const File& file) {
  base::Bytes bytes(file.stat()->size_bytes);
  bytes.resize(file.read_at(0, bytes).value());
  return std::string(base::as_text(bytes));
}

TEST(OneShotLife, IsKeptAfterItsFilesAreDeleted) {
  const TempDir dir;
  ASSERT_EQ(testing::run_sqlite(dir / "x.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a);"), 0);
  const auto watcher = make_directory_watcher({.companion_to_open = log_and_index}).value();
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  testing::SqliteShell shell(dir / "x.db");
  shell.run("INSERT INTO t VALUES('" + marker(1) + "');");
  WatchEvent log;
  for (int tries = 0; tries < 100 && !log.opened.is_open(); ++tries) {
    for (WatchEvent& event : watcher->take(std::chrono::milliseconds{300})) {
      if (event.opened.is_open() && event.name == kLog) log = std::move(event);
    }
  }
  ASSERT_TRUE(log.opened.is_open());
  ASSERT_EQ(shell.finish(), 0);
  EXPECT_EQ(log.opened.stat()->links, 0U);
  EXPECT_NE(content(log.opened).find(marker(1)), std::string::npos);
}

// Which life of a name a descriptor belongs to, from 1: the last one created at or before the mark. A creation between
// the two marks of an event leaves open whose its descriptors are.
int life_at(const std::vector<WatchEvent>& created, std::uint64_t mark) {
  const auto first_later = std::ranges::upper_bound(created, mark, std::ranges::less{}, &WatchEvent::position);
  return static_cast<int>(first_later - created.begin());
}

struct Creations {
  std::vector<WatchEvent> logs;
  std::vector<WatchEvent> indexes;
};

Creations creations_so_far(DirectoryWatcher& watcher) {
  Creations all;
  const std::uint64_t mark = watcher.stream_mark();
  while (watcher.taken_position() < mark) {
    for (WatchEvent& event : watcher.take(std::chrono::milliseconds{100})) {
      EXPECT_NE(event.kind, EventKind::overflow);
      if (event.kind != EventKind::created) continue;
      if (event.name == kLog) {
        all.logs.push_back(std::move(event));
      } else if (event.name == kIndex) {
        all.indexes.push_back(std::move(event));
      }
    }
  }
  return all;
}

TEST(OneShotLife, DescriptorsBelongToTheLifeThatTheMarkNames) {
  const TempDir dir;
  ASSERT_EQ(testing::run_sqlite(dir / "x.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(a);"), 0);
  const auto watcher = make_directory_watcher({.companion_to_open = log_and_index}).value();
  ASSERT_TRUE(watcher->add(dir.path()).has_value());
  for (int life = 1; life <= kLives; ++life) {
    ASSERT_EQ(testing::run_sqlite(dir / "x.db", "INSERT INTO t VALUES('" + marker(life) + "');"), 0);
  }
  const Creations created = creations_so_far(*watcher);
  ASSERT_EQ(created.logs.size(), static_cast<std::size_t>(kLives));
  ASSERT_EQ(created.indexes.size(), static_cast<std::size_t>(kLives));

  std::set<int> with_log;
  std::set<int> with_index;
  for (const WatchEvent& event : created.logs) {
    const int life = life_at(created.logs, event.open_mark);
    if (!event.opened.is_open() || life != life_at(created.logs, event.open_mark_before)) continue;
    const std::string log = content(event.opened);
    EXPECT_NE(log.find(marker(life)), std::string::npos) << "life " << life;
    EXPECT_EQ(log.find(marker(life + 1)), std::string::npos) << "life " << life;
    EXPECT_EQ(event.opened.stat()->links, 0U);
    with_log.insert(life);
    if (event.opened_companion.is_open()) with_index.insert(life_at(created.indexes, event.open_mark));
  }
  for (const WatchEvent& event : created.indexes) {
    if (!event.opened.is_open()) continue;
    EXPECT_EQ(event.opened.stat()->links, 0U);
    with_index.insert(life_at(created.indexes, event.open_mark));
  }
  std::vector<int> whole;
  std::ranges::set_intersection(with_log, with_index, std::back_inserter(whole));
  std::cout << whole.size() << " of " << kLives << " lives captured\n";
  // A machine that is busy with other things misses some; how many is measured by the benchmark, not here.
  EXPECT_GE(whole.size(), kLives / 2);
}

}  // namespace
}  // namespace os
