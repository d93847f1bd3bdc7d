// Watcher, fleet and engine together over a store in memory: databases come, go and move.
#include "fleet/fleet.h"

#include <gtest/gtest.h>

#include "engine/client_testing.h"
#include "fleet/client_name.h"
#include "storage/memory_store.h"

namespace fleet {
namespace {

namespace fs = std::filesystem;
using engine::ClientState;
using engine::testing::committed_pages;
using engine::testing::eventually;
using engine::testing::restored_pages;
using os::testing::run_sqlite;
using os::testing::TempDir;
using namespace std::chrono_literals;

const base::DatabaseId kFirst{"aaaaaaaa-0000-4000-8000-000000000001"};
const base::DatabaseId kSecond{"bbbbbbbb-0000-4000-8000-000000000002"};
const base::DatabaseId kThird{"cccccccc-0000-4000-8000-000000000003"};

// The real watcher, but the test may lose its events or say that some were lost.
class UnreliableWatcher final : public os::DirectoryWatcher {
 public:
  UnreliableWatcher(std::unique_ptr<os::DirectoryWatcher> inner) : inner_(std::move(inner)) {}
  base::Result<os::WatchId> add(const fs::path& directory) override { return inner_->add(directory); }
  void remove(os::WatchId watch) override { inner_->remove(watch); }
  std::vector<os::WatchEvent> take(std::chrono::nanoseconds timeout) override {
    auto events = inner_->take(timeout);
    if (losing) events.clear();
    if (overflow.exchange(false)) {
      os::WatchEvent lost;
      lost.kind = os::EventKind::overflow;
      lost.position = inner_->taken_position();
      events.insert(events.begin(), std::move(lost));
    }
    return events;
  }
  void wake() override { inner_->wake(); }
  std::uint64_t taken_position() override { return inner_->taken_position(); }
  std::uint64_t stream_mark() override { return inner_->stream_mark(); }

  std::atomic<bool> losing{false}, overflow{false};

 private:
  std::unique_ptr<os::DirectoryWatcher> inner_;
};

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() {
    fs::create_directory(root_);
    options_.watch_dirs = {root_};
    options_.state_directory = dir_ / "state";
    options_.retry_root_every = 20ms;
    os::WatcherOptions watching;
    watching.companion_to_open = companion_to_open;
    watching.closer = &closer_;
    watcher_ = std::make_unique<UnreliableWatcher>(std::move(*os::make_directory_watcher(std::move(watching))));
    stream_ = std::make_unique<WatcherStream>(*watcher_);
  }
  ~FleetTest() override {
    if (fleet_) fleet_->stop();
    if (engine_) engine_->stop();
    fleet_.reset();
    store_.reset();
    engine_.reset();
  }

  base::Result<> try_start() {
    engine::EngineConfig config;
    config.state_directory = options_.state_directory;
    config.bucket_text = "memory";
    config.client.sync_interval = 1ms;
    config.workers = 2;
    TRY_ASSIGN(engine_, engine::Engine::start(std::move(config), *store_, *stream_, closer_, base::system_clock()));
    TRY_ASSIGN(fleet_, Fleet::start(options_, *watcher_, *stream_, closer_, *engine_));
    return {};
  }
  void start() {
    const auto started = try_start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }

  [[nodiscard]] fs::path file(const base::DatabaseId& id, const std::string& below = {}) const {
    return (below.empty() ? root_ : root_ / below) / (id.value + ".db");
  }
  static void write_into(const fs::path& database, const std::string& text = "text") {
    ASSERT_EQ(run_sqlite(database, "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES('" +
                                       text + "');"),
              0);
  }
  [[nodiscard]] std::shared_ptr<const engine::ClientStatus> status(const base::DatabaseId& id) const {
    const auto fleet = engine_->board().fleet();
    for (const auto& status : fleet->clients) {
      if (status->client_id == id.value) return status;
    }
    return nullptr;
  }
  [[nodiscard]] bool becomes(const base::DatabaseId& id, ClientState state) const {
    return eventually([&] {
      const auto now = status(id);
      return now && now->state == state;
    });
  }
  [[nodiscard]] bool is_stored(const base::DatabaseId& id, const fs::path& database) const {
    return eventually([&] {
      const auto now = status(id);
      return now && now->txid > 0 && !now->behind && restored_pages(*store_, id) == committed_pages(database);
    });
  }
  [[nodiscard]] bool is_stored(const base::DatabaseId& id) const { return is_stored(id, file(id)); }
  [[nodiscard]] bool has_notice(const std::string& part) const {
    const auto fleet = engine_->board().fleet();
    for (const std::string& notice : fleet->notices) {
      if (notice.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TempDir dir_;
  fs::path root_ = fs::canonical(dir_.path()) / "clients";
  FleetOptions options_;
  os::FileCloser closer_;
  std::unique_ptr<UnreliableWatcher> watcher_;
  std::unique_ptr<WatcherStream> stream_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(FleetTest, FindsWhatIsThereAndWhatComes) {
  fs::create_directory(root_ / "below");
  write_into(file(kFirst, "below"));
  start();
  EXPECT_EQ(fleet_->size(), 1U);
  EXPECT_TRUE(is_stored(kFirst, file(kFirst, "below")));
  write_into(file(kSecond));
  EXPECT_TRUE(is_stored(kSecond));
  EXPECT_EQ(engine_->probe().missed_events, 0U);
}

TEST_F(FleetTest, CommitsOfOneShotProcessesReachTheBucket) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  for (int i = 0; i < 3; ++i) {
    write_into(file(kFirst), std::to_string(i));
    ASSERT_TRUE(is_stored(kFirst)) << i;
  }
}

TEST_F(FleetTest, AnEmptyFileWaits) {
  os::testing::write_text(file(kFirst), "");
  start();
  EXPECT_TRUE(becomes(kFirst, ClientState::waiting));
  write_into(file(kFirst));
  EXPECT_TRUE(is_stored(kFirst));
}

TEST_F(FleetTest, ADeletedDatabaseIsRemovedAndOneOfThatNameGoesOn) {
  write_into(file(kFirst), "old");
  start();
  ASSERT_TRUE(is_stored(kFirst));
  const auto last = committed_pages(file(kFirst));
  fs::remove(file(kFirst));
  EXPECT_TRUE(becomes(kFirst, ClientState::removed));
  EXPECT_TRUE(restored_pages(*store_, kFirst) == last) << "its backup is kept";
  write_into(file(kFirst), "new");
  EXPECT_TRUE(is_stored(kFirst));
  EXPECT_TRUE(eventually([&] { return status(kFirst)->txid > 1; })) << "it goes on where the old one ended";
  EXPECT_EQ(fleet_->size(), 1U);
}

TEST_F(FleetTest, ARenameOutInAndOverIsFollowed) {
  write_into(file(kFirst), "one");
  write_into(dir_ / "other.db", "another");
  start();
  ASSERT_TRUE(is_stored(kFirst));
  fs::rename(file(kFirst), dir_ / "away.db");
  EXPECT_TRUE(becomes(kFirst, ClientState::removed));
  fs::rename(dir_ / "away.db", file(kSecond));
  EXPECT_TRUE(is_stored(kSecond));
  fs::rename(dir_ / "other.db", file(kSecond));
  EXPECT_TRUE(is_stored(kSecond));
}

TEST_F(FleetTest, ADatabaseThatMovesWithinTheTreeStaysTheSameClient) {
  fs::create_directory(root_ / "below");
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  fs::rename(file(kFirst), file(kFirst, "below"));
  write_into(file(kFirst, "below"), "moved");
  EXPECT_TRUE(is_stored(kFirst, file(kFirst, "below")));
  EXPECT_TRUE(eventually([&] { return status(kFirst)->database_path == file(kFirst, "below").string(); }));
  EXPECT_EQ(fleet_->size(), 1U);
}

TEST_F(FleetTest, ATreeThatAppearsIsWatchedAndOneThatVanishesIsRemoved) {
  fs::create_directories(dir_ / "tree/a/b");
  write_into(dir_ / ("tree/a/b/" + kFirst.value + ".db"));
  start();
  fs::rename(dir_ / "tree", root_ / "tree");
  ASSERT_TRUE(is_stored(kFirst, file(kFirst, "tree/a/b")));
  fs::create_directories(root_ / "tree/c");
  write_into(file(kSecond, "tree/c"));
  ASSERT_TRUE(is_stored(kSecond, file(kSecond, "tree/c")));
  fs::rename(root_ / "tree", dir_ / "gone");
  EXPECT_TRUE(becomes(kFirst, ClientState::removed));
  EXPECT_TRUE(becomes(kSecond, ClientState::removed));
  fs::rename(dir_ / "gone", root_ / "again");
  EXPECT_TRUE(is_stored(kFirst, file(kFirst, "again/a/b")));
}

TEST_F(FleetTest, ANameThatDiffersOnlyInCaseIsRefusedUntilItIsGone) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  std::string upper = kFirst.value;
  std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c; });
  const fs::path twin = root_ / (upper + ".db");
  write_into(twin);
  ASSERT_TRUE(eventually([&] { return has_notice(twin.string()); }));
  EXPECT_EQ(engine_->probe().refused_files, 1U);
  EXPECT_EQ(fleet_->size(), 1U);
  for (const std::string& key : store_->keys()) EXPECT_EQ(key.find(upper), std::string::npos);
  fs::rename(twin, file(kSecond));
  EXPECT_TRUE(is_stored(kSecond));
  EXPECT_TRUE(eventually([&] { return !has_notice(twin.string()); })) << "the operator has mended it";
}

TEST_F(FleetTest, ARefusedTwinIsTakenUpAtOnceWhenTheOtherGoesAway) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  std::string upper = kFirst.value;
  std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c; });
  const fs::path twin = root_ / (upper + ".db");
  write_into(twin, "of the twin");
  ASSERT_TRUE(eventually([&] { return has_notice(twin.string()); }));
  const std::uint64_t sweeps = engine_->probe().sweeps;
  fs::remove(file(kFirst));
  EXPECT_TRUE(is_stored(kFirst, twin));
  EXPECT_FALSE(has_notice(twin.string()));
  EXPECT_EQ(engine_->probe().sweeps, sweeps) << "by the event, not by the next sweep";
  EXPECT_EQ(fleet_->size(), 1U);
}

TEST_F(FleetTest, ASymbolicLinkIsRefused) {
  write_into(dir_ / "real.db");
  fs::create_symlink(dir_ / "real.db", file(kFirst));
  start();
  EXPECT_TRUE(has_notice(file(kFirst).string()));
  EXPECT_EQ(fleet_->size(), 0U);
}

TEST_F(FleetTest, OtherFilesAreIgnoredAndCounted) {
  os::testing::write_text(root_ / "notes.txt", "x");
  start();
  os::testing::write_text(root_ / "app.db", "x");
  EXPECT_TRUE(eventually([&] { return engine_->probe().ignored_files == 2; }));
  EXPECT_EQ(fleet_->size(), 0U);
}

TEST_F(FleetTest, OurOwnStateBelowAWatchedDirectoryIsNotWatched) {
  options_.state_directory = root_ / "state";
  fs::create_directories(root_ / "state");
  write_into(root_ / ("state/" + kFirst.value + ".db"));
  write_into(file(kSecond));
  start();
  EXPECT_TRUE(is_stored(kSecond));
  EXPECT_EQ(fleet_->size(), 1U);
}

TEST_F(FleetTest, LostEventsAreMadeUpForAfterAnOverflow) {
  write_into(file(kFirst));
  write_into(file(kSecond));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  ASSERT_TRUE(is_stored(kSecond));
  watcher_->losing = true;
  write_into(file(kFirst), "unseen");
  fs::remove(file(kSecond));
  fs::create_directory(root_ / "new");
  write_into(file(kThird, "new"));
  // All of it has gone through the watcher's hands before it says so.
  const std::uint64_t mark = watcher_->stream_mark();
  ASSERT_TRUE(eventually([&] { return stream_->wait_delivered(mark); }));
  watcher_->losing = false;
  watcher_->overflow = true;
  watcher_->wake();
  EXPECT_TRUE(is_stored(kFirst));
  EXPECT_TRUE(becomes(kSecond, ClientState::removed));
  EXPECT_TRUE(is_stored(kThird, file(kThird, "new")));
  EXPECT_EQ(engine_->probe().event_overflows, 1U);
}

TEST_F(FleetTest, ASweepFindsAndCountsWhatNoEventTold) {
  options_.sweep_every = 20ms;
  write_into(file(kFirst));
  write_into(file(kSecond));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  ASSERT_TRUE(is_stored(kSecond));
  const std::uint64_t before = engine_->probe().sweeps;
  ASSERT_TRUE(eventually([&] { return engine_->probe().sweeps >= before + 2; }));
  EXPECT_EQ(engine_->probe().missed_events, 0U);
  watcher_->losing = true;
  write_into(file(kFirst), "unseen");
  fs::remove(file(kSecond));
  EXPECT_TRUE(is_stored(kFirst));
  EXPECT_TRUE(becomes(kSecond, ClientState::removed));
  EXPECT_GE(engine_->probe().missed_events, 2U);
}

TEST_F(FleetTest, ASweepThatFindsNothingCountsNothing) {
  options_.sweep_every = 5ms;
  write_into(file(kFirst));
  start();
  for (int i = 0; i < 3; ++i) {
    write_into(file(kFirst), std::to_string(i));
    ASSERT_TRUE(is_stored(kFirst));
  }
  EXPECT_EQ(engine_->probe().missed_events, 0U);
}

TEST_F(FleetTest, AMissingSecondRootIsReportedAndTriedAgain) {
  const fs::path missing = fs::canonical(dir_.path()) / "later";
  options_.watch_dirs.push_back(missing);
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  auto dirs = engine_->board().fleet()->watch_dirs;
  ASSERT_EQ(dirs.size(), 2U);
  EXPECT_TRUE(dirs[0].ok);
  EXPECT_FALSE(dirs[1].ok);
  EXPECT_FALSE(dirs[1].detail.empty());
  fs::create_directory(missing);
  write_into(missing / (kSecond.value + ".db"));
  EXPECT_TRUE(is_stored(kSecond, missing / (kSecond.value + ".db")));
  dirs = engine_->board().fleet()->watch_dirs;
  EXPECT_TRUE(dirs[1].ok);
  EXPECT_TRUE(dirs[1].detail.empty());
}

TEST_F(FleetTest, AMissingOnlyRootIsAnErrorThatSaysWhatToDo) {
  options_.watch_dirs = {dir_ / "missing"};
  const auto started = try_start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().category, base::Category::not_found);
  EXPECT_NE(started.error().message.find("-watch-dir"), std::string::npos);
}

TEST_F(FleetTest, ARootThatVanishesIsWatchedAgainWhenItIsBack) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  fs::rename(root_, dir_ / "away");
  EXPECT_TRUE(becomes(kFirst, ClientState::removed));
  EXPECT_TRUE(eventually([&] { return !engine_->board().fleet()->watch_dirs[0].ok; }));
  fs::rename(dir_ / "away", root_);
  EXPECT_TRUE(eventually([&] { return engine_->board().fleet()->watch_dirs[0].ok; }));
  write_into(file(kFirst), "back");
  EXPECT_TRUE(is_stored(kFirst));
}

TEST_F(FleetTest, ARootWhoseVanishingNoEventToldIsFoundByTheSweepAndWatchedAgain) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  watcher_->losing = true;
  fs::rename(root_, dir_ / "away");
  fleet_->sweep_now();
  EXPECT_TRUE(becomes(kFirst, ClientState::removed));
  EXPECT_TRUE(eventually([&] { return !engine_->board().fleet()->watch_dirs[0].ok; }));
  watcher_->losing = false;
  fs::rename(dir_ / "away", root_);
  EXPECT_TRUE(eventually([&] { return engine_->board().fleet()->watch_dirs[0].ok; }));
  write_into(file(kFirst), "back");
  EXPECT_TRUE(is_stored(kFirst));
}

TEST_F(FleetTest, WhatIsCommittedBeforeTheEndIsStoredByIt) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  for (int i = 0; i < 5; ++i) write_into(file(kFirst), std::to_string(i));
  fleet_->sweep_now();
  EXPECT_TRUE(engine_->flush(10s).empty());
  EXPECT_TRUE(restored_pages(*store_, kFirst) == committed_pages(file(kFirst)));
  fleet_->stop();
}

TEST_F(FleetTest, TheLastSweepFindsWhatNoEventTold) {
  write_into(file(kFirst));
  start();
  ASSERT_TRUE(is_stored(kFirst));
  fleet_->sweep_now();
  watcher_->losing = true;
  write_into(file(kFirst), "unseen");
  fleet_->sweep_now();
  EXPECT_TRUE(engine_->flush(10s).empty());
  EXPECT_TRUE(restored_pages(*store_, kFirst) == committed_pages(file(kFirst)));
}

// Those whose path begins with `prefix` are paused.
PolicyOf pausing(std::string prefix) {
  return [prefix = std::move(prefix)](const base::DatabaseId&, std::string_view path) {
    engine::ClientPolicy policy{.sync_interval = 1ms};
    policy.paused = path.starts_with(prefix);
    return std::make_shared<const engine::ClientPolicy>(policy);
  };
}

TEST_F(FleetTest, APolicyIsChosenByThePathBelowTheRootAndAgainWhenTheFileMoves) {
  fs::create_directory(root_ / "resting");
  fs::create_directory(root_ / "working");
  write_into(file(kFirst, "resting"));
  write_into(file(kSecond));
  options_.policy_of = pausing("resting/");
  start();
  EXPECT_TRUE(becomes(kFirst, ClientState::paused));
  EXPECT_TRUE(is_stored(kSecond));
  EXPECT_TRUE(restored_pages(*store_, kFirst).empty());
  fs::rename(file(kFirst, "resting"), file(kFirst, "working"));
  EXPECT_TRUE(is_stored(kFirst, file(kFirst, "working")));
}

// Retention goes on for a backup whose database is gone, by the blocks that speak of its last place.
TEST_F(FleetTest, ADatabaseThatIsGoneHasThePolicyOfItsLastPlace) {
  fs::create_directory(root_ / "acme");
  write_into(file(kFirst, "acme"));
  write_into(file(kSecond));
  start();
  ASSERT_TRUE(is_stored(kFirst, file(kFirst, "acme")));
  fleet_->stop();
  engine_->stop();
  fs::remove(file(kFirst, "acme"));
  std::vector<std::string> asked;
  options_.policy_of = [&](const base::DatabaseId& id, std::string_view path) {
    asked.push_back(id.value + " " + std::string(path));
    return std::make_shared<const engine::ClientPolicy>();
  };
  fleet_.reset();
  engine_.reset();
  start();
  fleet_->stop();
  EXPECT_TRUE(std::ranges::find(asked, kFirst.value + " acme/" + kFirst.value + ".db") != asked.end());
}

TEST_F(FleetTest, AChangeAddsDirectoriesAndGivesClientsOtherPolicies) {
  const fs::path other = fs::canonical(dir_.path()) / "other";
  fs::create_directory(other);
  const fs::path second = other / (kSecond.value + ".db");
  write_into(file(kFirst));
  write_into(second);
  start();
  ASSERT_TRUE(is_stored(kFirst));
  fleet_->change({{root_, other}, pausing("aaaa")});
  EXPECT_TRUE(becomes(kFirst, ClientState::paused));
  EXPECT_TRUE(is_stored(kSecond, second));
  EXPECT_EQ(engine_->board().fleet()->watch_dirs.size(), 2U);
  write_into(file(kFirst), "while paused");
  fleet_->change({{other}, pausing("nobody")});
  EXPECT_TRUE(is_stored(kFirst)) << "no directory is given up by a change";
}

}  // namespace
}  // namespace fleet
