// Against the real watcher.
#include "fleet/watch_tree.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "os/testing.h"

namespace fleet {
namespace {

namespace fs = std::filesystem;
using os::testing::TempDir;
using os::testing::write_text;

// Refuses to watch one directory.
class RefusingWatcher final : public os::DirectoryWatcher {
 public:
  explicit RefusingWatcher(os::DirectoryWatcher& inner) : inner_(inner) {}
  base::Result<os::WatchId> add(const fs::path& directory) override {
    if (directory == refused) return base::fail(base::Category::denied, "not this one");
    return inner_.add(directory);
  }
  void remove(os::WatchId watch) override { inner_.remove(watch); }
  std::vector<os::WatchEvent> take(std::chrono::nanoseconds timeout) override { return inner_.take(timeout); }
  void wake() override { inner_.wake(); }
  std::uint64_t taken_position() override { return inner_.taken_position(); }
  std::uint64_t stream_mark() override { return inner_.stream_mark(); }

  fs::path refused;

 private:
  os::DirectoryWatcher& inner_;
};

class WatchTreeTest : public ::testing::Test {
 protected:
  WatchTreeTest() {
    fs::create_directories(root_ / "a/b");
    fs::create_directories(root_ / "never/below");
    write_text(root_ / "one", "");
    write_text(root_ / "a/b/two", "");
    write_text(root_ / "never/below/three", "");
  }
  std::vector<std::string> found() {
    std::ranges::sort(files_);
    return std::exchange(files_, {});
  }
  [[nodiscard]] std::string path(const std::string& below) const { return (root_ / below).string(); }
  // The name of the directory that an event for a file named `name` is attributed to; waits for it.
  std::string directory_of_event(const std::string& name) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      for (const os::WatchEvent& event : watcher_->take(std::chrono::milliseconds(10))) {
        if (event.name == name) return tree_.path_of(event.watch);
      }
    }
    return "no event";
  }

  TempDir dir_;
  fs::path root_ = fs::canonical(dir_.path());
  std::unique_ptr<os::DirectoryWatcher> watcher_ = std::move(*os::make_directory_watcher({}));
  RefusingWatcher refusing_{*watcher_};
  std::vector<std::string> files_, troubles_;
  WatchTree tree_{
      refusing_,
      root_ / "never",
      {[this](const std::string& directory, const std::string& name) { files_.push_back(directory + "/" + name); },
       [this](const std::string& directory, const base::Error&) { troubles_.push_back(directory); }}};
};

TEST_F(WatchTreeTest, WatchesEverythingBelowARootButOurOwnState) {
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  EXPECT_EQ(found(), (std::vector<std::string>{path("a/b/two"), path("one")}));
  EXPECT_TRUE(tree_.watches(path("a/b")));
  EXPECT_FALSE(tree_.watches(path("never")));
  EXPECT_FALSE(tree_.watches(path("never/below")));
  EXPECT_EQ(tree_.size(), 3U);
  write_text(root_ / "a/b/new", "");
  EXPECT_EQ(directory_of_event("new"), path("a/b"));
}

TEST_F(WatchTreeTest, ARootThatDoesNotExistIsAnError) {
  const auto added = tree_.add(path("missing"));
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().category, base::Category::not_found);
  EXPECT_EQ(tree_.size(), 0U);
}

TEST_F(WatchTreeTest, ADirectoryThatCannotBeWatchedIsReportedAndTheRestWatched) {
  refusing_.refused = path("a");
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  EXPECT_EQ(troubles_, std::vector<std::string>{path("a")});
  EXPECT_EQ(found(), std::vector<std::string>{path("one")});
}

TEST_F(WatchTreeTest, RemoveTakesEverythingBelowAndNothingBeside) {
  fs::create_directory(root_ / "ab");
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  auto gone = tree_.remove(path("a"));
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector<std::string>{path("a"), path("a/b")}));
  EXPECT_TRUE(tree_.watches(path("ab")));
  EXPECT_TRUE(tree_.watches(root_.string()));
  EXPECT_TRUE(tree_.remove(path("a")).empty());
}

TEST_F(WatchTreeTest, UnknownIdsHaveNoPath) {
  EXPECT_EQ(tree_.path_of(12345), "");
}

TEST_F(WatchTreeTest, ListingAgainReportsWhatIsThereNowAndWhatIsGone) {
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  found();
  fs::remove_all(root_ / "a");
  fs::create_directory(root_ / "c");
  write_text(root_ / "c/four", "");
  auto gone = tree_.list_again();
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector<std::string>{path("a"), path("a/b")}));
  EXPECT_EQ(found(), (std::vector<std::string>{path("c/four"), path("one")}));
  EXPECT_TRUE(tree_.watches(path("c")));
  EXPECT_FALSE(tree_.watches(path("a")));
  EXPECT_TRUE(tree_.list_again().empty()) << "what is gone is told once";
}

TEST_F(WatchTreeTest, ADirectoryThatCannotBeListedForNowIsNotGone) {
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  refusing_.refused = path("a/b");
  EXPECT_TRUE(tree_.list_again().empty());
  EXPECT_EQ(troubles_, std::vector<std::string>{path("a/b")});
  EXPECT_TRUE(tree_.watches(path("a/b")));
}

TEST_F(WatchTreeTest, ADirectoryThatWasReplacedIsWatchedAnewAndTheOldOneNoMore) {
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  const TempDir elsewhere;
  fs::rename(root_ / "a/b", elsewhere / "b");
  fs::create_directory(root_ / "a/b");
  EXPECT_TRUE(tree_.list_again().empty());
  write_text(elsewhere / "b/stray", "");
  write_text(root_ / "a/b/here", "");
  std::string stray = "no event";
  for (bool here = false; !here;) {
    auto events = watcher_->take(std::chrono::seconds(10));
    ASSERT_FALSE(events.empty());
    for (const os::WatchEvent& event : events) {
      if (event.name == "stray") stray = tree_.path_of(event.watch);
      if (event.name == "here") {
        EXPECT_EQ(tree_.path_of(event.watch), path("a/b"));
        here = true;
      }
    }
  }
  EXPECT_NE(stray, path("a/b")) << "an event of the old directory is taken for one of the new";
}

TEST_F(WatchTreeTest, ADirectoryThatMovedUnseenIsWatchedUnderItsNewName) {
  ASSERT_TRUE(tree_.add(root_.string()).has_value());
  fs::rename(root_ / "a/b", root_ / "moved");
  EXPECT_EQ(tree_.list_again(), std::vector<std::string>{path("a/b")});
  EXPECT_TRUE(tree_.watches(path("moved")));
  // The late event of the move takes the old name away, not the watch that the new name has by now.
  tree_.remove(path("a/b"));
  write_text(root_ / "moved/here", "");
  EXPECT_EQ(directory_of_event("here"), path("moved"));
}

}  // namespace
}  // namespace fleet
