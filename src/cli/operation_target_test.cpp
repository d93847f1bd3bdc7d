#include "cli/operation_target.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/testing.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;

TEST(OperationTarget, OnlyANewFileInADirectoryThatIsThere) {
  const os::testing::TempDir temporary;
  const fs::path root = fs::canonical(temporary.path());
  const fs::path state = root / "state";
  fs::create_directories(state / "deep");
  fs::create_directories(root / "out");
  std::ofstream(root / "out" / "there.db") << "x";
  fs::create_symlink("nowhere", root / "out" / "link.db");
  fs::create_symlink(state, root / "to-state");
  struct Case {
    std::string path;
    Category category;
    std::string_view text;
  };
  for (const Case& c : {
           Case{"out/new.db", Category::invalid, "relative"},
           Case{root / "out/", Category::invalid, "names a directory"},
           Case{root / "none" / "new.db", Category::invalid, "make it first"},
           Case{root / "out/there.db/new.db", Category::invalid, ""},
           Case{root / "out/there.db", Category::conflict, "exists already"},
           Case{root / "out/link.db", Category::conflict, "exists already"},
           Case{root / "out", Category::conflict, "exists already"},
           Case{state / "new.db", Category::invalid, "state directory"},
           Case{state / "deep" / "new.db", Category::invalid, "state directory"},
           Case{root / "out/../state/new.db", Category::invalid, "state directory"},
           Case{root / "to-state" / "new.db", Category::invalid, "state directory"},
       }) {
    const auto target = check_target(c.path, state);
    ASSERT_FALSE(target) << c.path;
    EXPECT_EQ(target.error().category, c.category) << c.path;
    EXPECT_THAT(target.error().message, ::testing::HasSubstr(c.text)) << c.path;
  }
  EXPECT_EQ(check_target(root / "out/new.db", state).value(), root / "out/new.db");
  EXPECT_EQ(check_target(root / "stateless.db", state).value(), root / "stateless.db");
}

TEST(OperationTarget, ADatabaseThatCannotFitIsRefusedBeforeItIsRead) {
  const os::testing::TempDir temporary;
  EXPECT_TRUE(check_room(temporary.path(), 1000));
  const auto full = check_room(temporary.path(), std::uint64_t{1} << 60);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().category, Category::io);
  EXPECT_THAT(full.error().message, ::testing::HasSubstr("make room"));
}

}  // namespace
}  // namespace cli
