#include "cli/api_token.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/testing.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

class ApiToken : public ::testing::Test {
 protected:
  [[nodiscard]] fs::perms mode() const { return fs::status(file_).permissions(); }
  void write(const std::string& text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) const {
    std::ofstream(file_) << text;
    fs::permissions(file_, mode);
  }
  [[nodiscard]] std::string load() const {
    const auto token = load_api_token(file_);
    EXPECT_TRUE(token) << token.error().message;
    return token ? token->reveal() : "";
  }

  os::testing::TempDir directory_;
  fs::path file_ = directory_ / "api-token";
};

TEST_F(ApiToken, IsMadeOnceForItsOwnerOnly) {
  const std::string token = load();
  EXPECT_THAT(token, ::testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(mode(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(load(), token) << "kept over restarts";
  std::ifstream in(file_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), token + "\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()), 1)
      << "nothing beside it";
}

TEST_F(ApiToken, OneThatOthersCouldReadOrThatIsNoneIsMadeAnew) {
  const std::string good(64, 'a');
  write(good);
  EXPECT_EQ(load(), good);
  write(good, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  EXPECT_NE(load(), good);
  EXPECT_EQ(mode(), fs::perms::owner_read | fs::perms::owner_write);
  for (const std::string& bad :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'), std::string(64, ' ')}) {
    write(bad);
    EXPECT_THAT(load(), ::testing::AllOf(::testing::SizeIs(64), ::testing::Ne(bad)));
  }
}

TEST_F(ApiToken, WhereNoneCanBeKeptThereIsAnError) {
  const auto token = load_api_token(directory_ / "no such folder" / "api-token");
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, ::testing::HasSubstr("no such folder"));
}

}  // namespace
}  // namespace cli
