#include "os/permissions.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/testing.h"

namespace os {
namespace {

using testing::TempDir;

struct stat facts_of(const fs::path& path) {
  struct stat facts{};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0);
  return facts;
}

mode_t mode_of(const fs::path& path) {
  return facts_of(path).st_mode & 0777;
}

TEST(Permissions, ANewFileHasWhatTheUmaskLeaves) {
  const TempDir dir;
  const mode_t before = ::umask(0027);
  EXPECT_TRUE(create_new_for_everybody(dir / "a").has_value());
  ::umask(before);
  EXPECT_EQ(mode_of(dir / "a"), 0640U);
  EXPECT_EQ(create_new_for_everybody(dir / "a").error().category, base::Category::conflict);
}

TEST(Permissions, AreTakenFromTheModel) {
  const TempDir dir;
  testing::write_text(dir / "model", "");
  ASSERT_EQ(::chmod((dir / "model").c_str(), 04664), 0);
  File file = *File::create_new(dir / "a");
  EXPECT_EQ(take_permissions(file, dir / "model").value(), OwnerTaken::yes);
  EXPECT_EQ(mode_of(dir / "a"), 0664U) << "without set-user-id";
  EXPECT_EQ(take_permissions(file, dir / "absent").error().category, base::Category::not_found);
}

// Runs as root in continuous integration; elsewhere giving a file away must be answered with "no".
TEST(Permissions, TheOwnerIsTakenWhereThatIsPermitted) {
  const TempDir dir;
  testing::write_text(dir / "model", "");
  File file = *File::create_new(dir / "a");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((dir / "model").c_str(), 12345, 23456), 0);
    EXPECT_EQ(take_permissions(file, dir / "model").value(), OwnerTaken::yes);
    EXPECT_EQ(facts_of(dir / "a").st_uid, 12345U);
    EXPECT_EQ(facts_of(dir / "a").st_gid, 23456U);
  } else {
    EXPECT_EQ(take_permissions(file, "/etc/passwd").value(), OwnerTaken::no);
  }
}

TEST(Permissions, RootGivesAFileToTheOwnerOfItsDirectory) {
  const TempDir dir;
  File file = *File::create_new(dir / "a");
  const mode_t mode = mode_of(dir / "a");
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(dir.path().c_str(), 12345, 23456), 0);
  }
  EXPECT_TRUE(take_owner_as_root(file, dir.path()).has_value());
  EXPECT_EQ(facts_of(dir / "a").st_uid, root ? 12345U : ::geteuid());
  EXPECT_EQ(facts_of(dir / "a").st_gid, root ? 23456U : ::getegid());
  EXPECT_EQ(mode_of(dir / "a"), mode) << "a directory's bits are not those of a file";
}

TEST(Permissions, NewDirectoriesBelongToTheOwnerOfTheOneAbove) {
  const TempDir dir;
  fs::create_directory(dir / "tenant");
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown((dir / "tenant").c_str(), 12345, 23456), 0);
  }
  ASSERT_TRUE(make_directories_as_above(dir / "tenant/a/b").has_value());
  for (const char* made : {"tenant/a", "tenant/a/b"}) {
    EXPECT_TRUE(fs::is_directory(dir / made));
    EXPECT_EQ(facts_of(dir / made).st_uid, root ? 12345U : ::geteuid()) << made;
    EXPECT_EQ(facts_of(dir / made).st_gid, root ? 23456U : ::getegid()) << made;
  }
  ASSERT_EQ(::chmod((dir / "tenant/a").c_str(), 0700), 0);
  if (root) {
    ASSERT_EQ(::chown((dir / "tenant/a").c_str(), 1, 1), 0);
  }
  ASSERT_TRUE(make_directories_as_above(dir / "tenant/a").has_value());
  EXPECT_EQ(mode_of(dir / "tenant/a"), 0700U) << "one that exists is left as it is";
  EXPECT_EQ(facts_of(dir / "tenant/a").st_uid, root ? 1U : ::geteuid());
}

TEST(Permissions, NoDirectoryIsMadeOrGivenAwayBehindASymbolicLink) {
  const TempDir dir;
  fs::create_directory(dir / "tenant");
  fs::create_directory(dir / "foreign");
  const auto owner = facts_of(dir / "foreign").st_uid;
  fs::create_directory_symlink(dir / "foreign", dir / "tenant/link");
  fs::create_directory_symlink(dir / "absent", dir / "tenant/dangling");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((dir / "tenant").c_str(), 12345, 23456), 0);
  }
  for (const char* wanted : {"tenant/link", "tenant/link/new", "tenant/dangling", "tenant/dangling/new"}) {
    EXPECT_FALSE(make_directories_as_above(dir / wanted).has_value()) << wanted;
  }
  EXPECT_TRUE(fs::is_empty(dir / "foreign"));
  EXPECT_EQ(facts_of(dir / "foreign").st_uid, owner);
  EXPECT_FALSE(fs::exists(dir / "absent"));
  testing::write_text(dir / "tenant/file", "");
  EXPECT_FALSE(make_directories_as_above(dir / "tenant/file/new").has_value());
}

}  // namespace
}  // namespace os
