// What only the file store does; the rest is in tests/conformance.
#include "storage/file_store.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/random.h"
#include "os/file.h"
#include "storage/directory_maker.h"
#include "storage/file_key.h"

namespace storage {
namespace {

namespace fs = std::filesystem;
using base::Category;
using namespace std::chrono_literals;

class FileStoreTest : public testing::Test {
 protected:
  ~FileStoreTest() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text = "x") const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  static PutRequest put_of(std::string key, OnExisting on_existing = OnExisting::fail_with_conflict) {
    return {.key = base::ObjectKey{std::move(key)},
            .body = std::make_shared<MemoryBody>(base::Bytes{'n', 'e', 'w'}),
            .on_existing = on_existing,
            .litestream_timestamp = 1'763'843'897'498ms};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (entry.is_regular_file()) result.push_back(entry.path().lexically_relative(root_));
    }
    std::ranges::sort(result);
    return result;
  }

  const fs::path root_ = fs::temp_directory_path() / ("file-store-" + base::random_hex(12));
  FileStore store_{root_};
};

TEST(FileKey, RefusesWhatCouldLeaveTheRootOrMeanTwoThings) {
  for (const std::string& key :
       {std::string(""), std::string("/"), std::string("/a"), std::string("a/"), std::string("a//b"), std::string(".."),
        std::string("."), std::string("a/../b"), std::string("../a"), std::string("a/./b"), std::string("a/.."),
        std::string("a\0b", 3), std::string(250, 'x'), std::string("a.tmp-0123456789abcdef")}) {
    const auto checked = check_file_key(key);
    ASSERT_FALSE(checked) << key;
    EXPECT_EQ(checked.error().category, Category::invalid);
  }
  for (const char* key : {"a", "a/b", "...", "..a/b..", ".hidden", "a.tmp", "a.tmp-0123456789abcdeg", "a b/\xC3\xA9"}) {
    EXPECT_TRUE(check_file_key(key)) << key;
  }
}

TEST_F(FileStoreTest, RefusesKeysThatLeadOutInEveryOperation) {
  const base::ObjectKey outside{"a/../../outside"};
  EXPECT_EQ(put_and_wait(store_, put_of(outside.value)).error().category, Category::invalid);
  EXPECT_EQ(get_and_wait(store_, {.key = outside, .offset = 0, .length = {}}).error().category, Category::invalid);
  EXPECT_EQ(head_and_wait(store_, outside).error().category, Category::invalid);
  const auto failures = remove_and_wait(store_, {outside});
  ASSERT_TRUE(failures && failures->size() == 1);
  EXPECT_EQ(failures->at(0).error.category, Category::invalid);
  EXPECT_FALSE(fs::exists(root_.parent_path() / "outside"));
}

TEST_F(FileStoreTest, WritesOneFileWithTheTimestampAsItsTime) {
  ASSERT_TRUE(put_and_wait(store_, put_of("databases/x/ltx/0/1.ltx")));
  EXPECT_EQ(names(), std::vector<std::string>{"databases/x/ltx/0/1.ltx"});
  const auto stat = os::stat_path(root_ / "databases/x/ltx/0/1.ltx");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->modified_ns, std::chrono::nanoseconds(1'763'843'897'498ms).count());
}

TEST_F(FileStoreTest, LeavesNoTemporaryFileAfterAConflictOrAFailure) {
  ASSERT_TRUE(put_and_wait(store_, put_of("d/k")));
  EXPECT_FALSE(put_and_wait(store_, put_of("d/k")));
  EXPECT_FALSE(put_and_wait(store_, put_of("d/k/below"))) << "a file stands where a folder would have to be";
  EXPECT_EQ(names(), std::vector<std::string>{"d/k"});
}

TEST_F(FileStoreTest, SkipsUnfinishedUploadsButNotTheirLikes) {
  write("d/k.tmp-0123456789abcdef");
  write("d/k.tmp");
  write("d/k");
  const auto objects = list_all_and_wait(store_, "");
  ASSERT_TRUE(objects);
  ASSERT_EQ(objects->size(), 2U);
  EXPECT_EQ(objects->at(0).key.value, "d/k");
  EXPECT_EQ(objects->at(1).key.value, "d/k.tmp");
}

TEST_F(FileStoreTest, AnUnfinishedUploadThatNobodyTouchedForLongIsRemovedFromAFolderThatIsWrittenTo) {
  const std::vector<std::string> left{"d/k.tmp-0123456789abcdef", "d/k.tmp-0123456789abcdeX",
                                      "e/k.tmp-0123456789abcdef"};
  for (const std::string& name : left) write(name);
  ASSERT_TRUE(put_and_wait(store_, put_of("d/new")));
  EXPECT_EQ(names().size(), left.size() + 1) << "another process may be writing it";
  FileStore later(root_, std::chrono::milliseconds(0));
  ASSERT_TRUE(put_and_wait(later, put_of("d/newer")));
  EXPECT_EQ(names(),
            (std::vector<std::string>{"d/k.tmp-0123456789abcdeX", "d/new", "d/newer", "e/k.tmp-0123456789abcdef"}));
}

TEST_F(FileStoreTest, ReadsWhatOthersWroteAndSkipsWhatIsNoRegularFile) {
  write("d/k", "theirs");
  fs::create_symlink("k", root_ / "d/link");
  fs::create_directory(root_ / "d/folder");
  const auto bytes = get_and_wait(store_, {.key = base::ObjectKey{"d/k"}, .offset = 0, .length = {}});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(base::as_text(*bytes), "theirs");
  EXPECT_EQ(list_all_and_wait(store_, "d/").value().size(), 1U);
  EXPECT_EQ(head_and_wait(store_, base::ObjectKey{"d/folder"}).error().category, Category::not_found);
  EXPECT_EQ(head_and_wait(store_, base::ObjectKey{"d/link"}).error().category, Category::not_found);
}

TEST_F(FileStoreTest, ReportsAFailedWriteAsIoAndLeavesNothing) {
  ASSERT_NE(std::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1U << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  PutRequest request = put_of("d/large");
  request.body = std::make_shared<MemoryBody>(base::Bytes(3U << 20));
  const auto stored = put_and_wait(store_, request);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().category, Category::io);
  EXPECT_TRUE(stored.error().message.starts_with("put d/large: ")) << stored.error().message;
  EXPECT_TRUE(names().empty());
}

TEST_F(FileStoreTest, ShowsItsPlaceAndLayout) {
  EXPECT_EQ(store_.display_url(), "file://" + root_.string());
  EXPECT_EQ(store_.layout(), KeyLayout::file);
}

TEST_F(FileStoreTest, MakesTheSameDirectoriesFromManyThreadsAtOnce) {
  DirectoryMaker maker;
  std::vector<std::jthread> threads;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const fs::path directory = root_ / "a/b" / std::to_string(i % 3) / "c";
      if (maker.make(directory) && fs::is_directory(directory)) ++made;
    });
  }
  threads.clear();
  EXPECT_EQ(made, 8);
}

}  // namespace
}  // namespace storage
