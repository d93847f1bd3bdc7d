#include "os/file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/process.h"
#include "os/testing.h"
#include "os/translate.h"

namespace os {
namespace {

using base::Category;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

TEST(Errno, BecomesTheCategoryThatSaysWhatToDo) {
  const std::vector<std::pair<int, Category>> table = {
      {ENOENT, Category::not_found},
      {ENOTDIR, Category::not_found},
      {EACCES, Category::denied},
      {EPERM, Category::denied},
      {EROFS, Category::denied},
      {ELOOP, Category::denied},
      {ENOSPC, Category::io},
      {EDQUOT, Category::io},
      {EIO, Category::io},
      {EMFILE, Category::io},
      {ENFILE, Category::io},
      {EEXIST, Category::conflict},
      {ENOTEMPTY, Category::conflict},
      {EAGAIN, Category::retry_later},
      {EBUSY, Category::retry_later},
      {EINTR, Category::retry_later},
      {ENAMETOOLONG, Category::invalid},
      {EOPNOTSUPP, Category::unsupported},
      {EXDEV, Category::io},
  };
  for (const auto& [number, category] : table) EXPECT_EQ(category_of_errno(number), category) << number;
}

TEST(Errno, MessageNamesOperationSubjectAndWayOut) {
  EXPECT_EQ(error_of_errno(ENOENT, "open", "/srv/a.db").message, "open /srv/a.db: No such file or directory");
  EXPECT_NE(error_of_errno(EMFILE, "open", "/srv/a.db").message.find("raise the limit"), std::string::npos);
}

TEST(FileSystem, MagicNumbersOfStackedAndNetworkMountsAreKnown) {
  EXPECT_EQ(kind_of_magic(0x794c7630), FileSystemKind::stacked);
  EXPECT_EQ(kind_of_magic(0x6969), FileSystemKind::network);
  EXPECT_EQ(kind_of_magic(0xff534d42), FileSystemKind::network);
  EXPECT_EQ(kind_of_magic(0x65735546), FileSystemKind::network);
  EXPECT_EQ(kind_of_magic(0xef53), FileSystemKind::local);      // ext4
  EXPECT_EQ(kind_of_magic(0x01021994), FileSystemKind::local);  // tmpfs
  EXPECT_TRUE(file_system_kind("/proc").has_value());
  EXPECT_EQ(file_system_kind("/no/such/place").error().category, Category::not_found);
}

TEST(File, ReadsFewerBytesOnlyAtTheEnd) {
  const TempDir dir;
  write_text(dir / "a", "0123456789");
  const auto file = File::open_read_only(dir / "a");
  ASSERT_TRUE(file.has_value());
  base::Bytes out(6);
  EXPECT_EQ(file->read_at(2, out).value(), 6U);
  EXPECT_EQ(base::as_text(out), "234567");
  EXPECT_EQ(file->read_at(7, out).value(), 3U);
  EXPECT_EQ(file->read_at(10, out).value(), 0U);
  EXPECT_EQ(file->read_at(1000, out).value(), 0U);
}

TEST(File, WritesTruncatesAndSyncs) {
  const TempDir dir;
  auto file = File::create(dir / "a");
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->write_at(3, base::as_bytes("abc")).has_value());
  EXPECT_EQ(read_text(dir / "a"), std::string("\0\0\0abc", 6));
  ASSERT_TRUE(file->truncate(4).has_value());
  ASSERT_TRUE(file->sync().has_value());
  ASSERT_TRUE(sync_directory(dir.path()).has_value());
  EXPECT_EQ(file->stat()->size_bytes, 4U);
  struct stat raw{};
  ASSERT_EQ(::stat((dir / "a").c_str(), &raw), 0);
  EXPECT_EQ(raw.st_mode & 0777U, 0600U);
}

TEST(File, CreateNewRefusesAnExistingFileAndLeavesItAlone) {
  const TempDir dir;
  write_text(dir / "a", "keep");
  EXPECT_EQ(File::create_new(dir / "a").error().category, Category::conflict);
  EXPECT_EQ(read_text(dir / "a"), "keep");
  EXPECT_TRUE(File::create_new(dir / "b").has_value());
}

TEST(File, DoesNotFollowSymbolicLinks) {
  const TempDir dir;
  write_text(dir / "a", "x");
  fs::create_symlink(dir / "a", dir / "link");
  const auto file = File::open_read_only(dir / "link");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().category, Category::denied);
  EXPECT_NE(file.error().message.find("symbolic link"), std::string::npos);
  EXPECT_FALSE(stat_path(dir / "link")->is_regular);
}

TEST(File, OpeningAFifoDoesNotWaitForAWriter) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "x.db-wal").c_str(), 0600), 0);
  const auto file = File::open_read_only(dir / "x.db-wal");
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE(file->stat()->is_regular);
}

TEST(File, StaysReadableAfterUnlinkAndSaysSo) {
  const TempDir dir;
  write_text(dir / "a", "still here");
  const auto file = File::open_read_only(dir / "a");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->stat()->links, 1U);
  ASSERT_TRUE(remove_file(dir / "a").has_value());
  EXPECT_EQ(file->stat()->links, 0U);
  base::Bytes out(10);
  EXPECT_EQ(file->read_at(0, out).value(), 10U);
  EXPECT_EQ(stat_path(dir / "a").error().category, Category::not_found);
}

TEST(File, MoveLeavesTheSourceClosed) {
  const TempDir dir;
  write_text(dir / "a", "x");
  File first = *File::open_read_only(dir / "a");
  File second = std::move(first);
  EXPECT_TRUE(second.is_open());
  first = std::move(second);
  EXPECT_FALSE(second.is_open());  // NOLINT(bugprone-use-after-move): the state after a move is the subject
  first.close();
  EXPECT_FALSE(first.is_open());
}

TEST(FileStat, TellsOneFileFromAnother) {
  const TempDir dir;
  write_text(dir / "a", "x");
  write_text(dir / "b", "x");
  const FileStat a = *stat_path(dir / "a");
  EXPECT_EQ(a, *File::open_read_only(dir / "a")->stat());
  EXPECT_NE(a.inode, stat_path(dir / "b")->inode);
  EXPECT_EQ(a.device, stat_path(dir / "b")->device);
  EXPECT_TRUE(a.is_regular);
  EXPECT_TRUE(stat_path(dir.path())->is_directory);
  EXPECT_EQ(a.owner_uid, effective_uid());
}

TEST(Rename, ReplacesOrRefusesAsAsked) {
  const TempDir dir;
  write_text(dir / "new", "new");
  write_text(dir / "old", "old");
  EXPECT_EQ(rename_no_replace(dir / "new", dir / "old").error().category, Category::conflict);
  EXPECT_EQ(read_text(dir / "old"), "old");
  ASSERT_TRUE(rename_file(dir / "new", dir / "old").has_value());
  EXPECT_EQ(read_text(dir / "old"), "new");
  ASSERT_TRUE(rename_no_replace(dir / "old", dir / "free").has_value());
  EXPECT_EQ(read_text(dir / "free"), "new");
  EXPECT_FALSE(fs::exists(dir / "old"));
  EXPECT_EQ(rename_file(dir / "old", dir / "x").error().category, Category::not_found);
}

TEST(Remove, OfAnAbsentFileIsSuccess) {
  const TempDir dir;
  EXPECT_TRUE(remove_file(dir / "absent").has_value());
}

TEST(Directories, AreMadeAndListed) {
  const TempDir dir;
  ASSERT_TRUE(make_directories(dir / "x/y").has_value());
  ASSERT_TRUE(make_directories(dir / "x/y").has_value());
  write_text(dir / "x/file", "");
  fs::create_directory_symlink(dir / "x/y", dir / "x/link");
  auto entries = list_directory(dir / "x");
  ASSERT_TRUE(entries.has_value());
  std::ranges::sort(*entries, {}, &DirectoryEntry::name);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "file");
  EXPECT_FALSE((*entries)[0].is_directory);
  EXPECT_FALSE((*entries)[1].is_directory);  // a link to a directory is a link
  EXPECT_TRUE((*entries)[2].is_directory);
  EXPECT_EQ(list_directory(dir / "absent").error().category, Category::not_found);
  EXPECT_EQ(list_directory(dir / "x/file").error().category, Category::not_found);
}

TEST(ModifiedTime, IsSetToTheMillisecond) {
  const TempDir dir;
  write_text(dir / "a", "x");
  ASSERT_TRUE(set_modified_time(dir / "a", std::chrono::milliseconds{1767225604999}).has_value());
  EXPECT_EQ(stat_path(dir / "a")->modified_ns, 1767225604999 * 1'000'000);
}

}  // namespace
}  // namespace os
