#include "os/closer.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/testing.h"

namespace os {
namespace {

using testing::TempDir;
using testing::write_text;

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

struct Opened {
  File file;
  int descriptor;
  FileId id;
};

Opened open_new(const TempDir& dir, std::string_view name) {
  write_text(dir / name, "x");
  File file = *File::open_read_only(dir / name);
  const int descriptor = file.descriptor();
  const FileId id = id_of(*file.stat());
  return {std::move(file), descriptor, id};
}

TEST(FileCloser, ClosesWhatItIsGiven) {
  const TempDir dir;
  FileCloser closer;
  Opened a = open_new(dir, "a");
  closer.close_later(std::move(a.file));
  closer.flush();
  EXPECT_FALSE(is_open(a.descriptor));
  closer.close_later(File());  // nothing to do
  closer.flush();
}

TEST(FileCloser, ClosesEverythingBeforeItEnds) {
  const TempDir dir;
  std::vector<int> descriptors;
  {
    FileCloser closer;
    for (int i = 0; i < 100; ++i) {
      Opened opened = open_new(dir, std::to_string(i));
      descriptors.push_back(opened.descriptor);
      closer.close_later(std::move(opened.file));
    }
  }
  for (const int descriptor : descriptors) EXPECT_FALSE(is_open(descriptor));
}

TEST(FileCloser, ClosesNothingUnderAHold) {
  const TempDir dir;
  FileCloser closer;
  Opened a = open_new(dir, "a");
  {
    const FileCloser::Hold hold = closer.hold();
    closer.close_later(std::move(a.file));
    closer.flush();
    EXPECT_TRUE(is_open(a.descriptor));
  }
  closer.flush();
  EXPECT_FALSE(is_open(a.descriptor));
}

TEST(FileCloser, NarrowedHoldKeepsOnlyItsFilesOpen) {
  const TempDir dir;
  FileCloser closer;
  Opened kept = open_new(dir, "kept");
  Opened other = open_new(dir, "other");
  {
    FileCloser::Hold hold = closer.hold();
    closer.close_later(std::move(kept.file));
    closer.close_later(std::move(other.file));
    hold.narrow({kept.id});
    closer.flush();
    EXPECT_TRUE(is_open(kept.descriptor));
    EXPECT_FALSE(is_open(other.descriptor));
  }
  closer.flush();
  EXPECT_FALSE(is_open(kept.descriptor));
}

TEST(FileCloser, FileUnderTwoHoldsStaysUntilBothEnd) {
  const TempDir dir;
  FileCloser closer;
  Opened a = open_new(dir, "a");
  auto first = std::make_unique<FileCloser::Hold>(closer.hold());
  auto second = std::make_unique<FileCloser::Hold>(closer.hold());
  first->narrow({a.id});
  second->narrow({a.id});
  closer.close_later(std::move(a.file));
  first.reset();
  closer.flush();
  EXPECT_TRUE(is_open(a.descriptor));
  second.reset();
  closer.flush();
  EXPECT_FALSE(is_open(a.descriptor));
}

TEST(FileCloser, HoldsAndClosesOfManyThreadsDoNotDisturbEachOther) {
  const TempDir dir;
  FileCloser closer;
  const auto work = [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      Opened opened = open_new(dir, std::to_string(thread * 1000 + i));
      FileCloser::Hold hold = closer.hold();
      hold.narrow({opened.id});
      const int descriptor = opened.descriptor;
      closer.close_later(std::move(opened.file));
      EXPECT_TRUE(is_open(descriptor));
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  closer.flush();
  const File probe = *File::open_read_only(dir / "0");
  EXPECT_LT(probe.descriptor(), 50);  // none of the 200 is left
}

}  // namespace
}  // namespace os
