#include "storage/s3/credentials.h"

#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace storage::s3 {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class HandClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override { return now; }
  [[nodiscard]] base::UnixMillis unix_now() const override { return 0ms; }
  base::SteadyTime now{1h};
};

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    fs::create_directories(home_ / ".aws");
    variables_["HOME"] = home_.string();
  }
  ~CredentialsTest() override { fs::remove_all(home_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(home_ / name, std::ios::trunc) << text;
  }
  Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }
  base::Result<Credentials> find() { return DefaultCredentials(environment(), clock_).current(); }

  const fs::path home_ = fs::temp_directory_path() / ("home-" + base::random_hex(12));
  std::map<std::string, std::string> variables_;
  HandClock clock_;
};

constexpr const char* kFile =
    "# made by hand\n"
    "[default]\n"
    "aws_access_key_id = FILEKEY\r\n"
    "aws_secret_access_key=file/secret+==\n"
    "\n"
    "; another\n"
    "[ other ]\n"
    "aws_access_key_id = OTHERKEY\n"
    "aws_secret_access_key = othersecret\n"
    "aws_session_token = othertoken\n";

TEST_F(CredentialsTest, TakesTheEnvironmentFirst) {
  write(".aws/credentials", kFile);
  variables_["AWS_ACCESS_KEY_ID"] = "ENVKEY";
  variables_["AWS_SECRET_ACCESS_KEY"] = "envsecret";
  variables_["AWS_SESSION_TOKEN"] = "envtoken";
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "ENVKEY");
  EXPECT_EQ(found->secret_access_key.reveal(), "envsecret");
  EXPECT_EQ(found->session_token.reveal(), "envtoken");
}

TEST_F(CredentialsTest, TakesTheFileWhenTheEnvironmentIsIncompleteOrEmpty) {
  write(".aws/credentials", kFile);
  variables_["AWS_ACCESS_KEY_ID"] = "ENVKEY";
  variables_["AWS_SECRET_ACCESS_KEY"] = "";
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "FILEKEY");
  EXPECT_EQ(found->secret_access_key.reveal(), "file/secret+==");
  EXPECT_TRUE(found->session_token.empty());
}

TEST_F(CredentialsTest, TakesTheNamedProfileAndFile) {
  write("elsewhere", kFile);
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = (home_ / "elsewhere").string();
  variables_["AWS_PROFILE"] = "other";
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "OTHERKEY");
  EXPECT_EQ(found->session_token.reveal(), "othertoken");
}

TEST_F(CredentialsTest, FollowsSymbolicLinksToTheFile) {
  write("real", kFile);
  fs::create_symlink(home_ / "real", home_ / ".aws/credentials");
  EXPECT_TRUE(find());
}

TEST_F(CredentialsTest, SaysWhereItLookedAndHowToMendIt) {
  const auto nothing = find();
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().category, base::Category::denied);
  for (const char* part : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", ".aws/credentials", "Set the two variables"}) {
    EXPECT_NE(nothing.error().message.find(part), std::string::npos) << nothing.error().message;
  }
  write(".aws/credentials", kFile);
  variables_["AWS_PROFILE"] = "absent";
  EXPECT_NE(find().error().message.find("has no [absent]"), std::string::npos);
  variables_.erase("HOME");
  EXPECT_NE(find().error().message.find("HOME is set"), std::string::npos);
}

TEST_F(CredentialsTest, NeverPutsASecretIntoAMessage) {
  write(".aws/credentials", "[default]\naws_secret_access_key = file/secret+==\n");
  EXPECT_EQ(find().error().message.find("file/secret"), std::string::npos);
}

TEST_F(CredentialsTest, TakesUpAChangedFileWithinASecond) {
  write(".aws/credentials", kFile);
  DefaultCredentials credentials(environment(), clock_);
  EXPECT_EQ(credentials.current()->access_key_id, "FILEKEY");
  write(".aws/credentials", "[default]\naws_access_key_id=ROTATED\naws_secret_access_key=x\n");
  EXPECT_EQ(credentials.current()->access_key_id, "FILEKEY") << "not looked at again so soon";
  clock_.now += 1s;
  EXPECT_EQ(credentials.current()->access_key_id, "ROTATED");
  fs::remove(home_ / ".aws/credentials");
  clock_.now += 1s;
  EXPECT_FALSE(credentials.current());
  write(".aws/credentials", kFile);
  clock_.now += 1s;
  EXPECT_EQ(credentials.current()->access_key_id, "FILEKEY");
}

TEST_F(CredentialsTest, FindsTheRegionInItsOrder) {
  EXPECT_EQ(find_region(environment()), std::nullopt);
  write(".aws/config",
        "[default]\nregion = eu-west-1\n[profile other]\nregion = ap-south-1\n[other]\nregion = wrong\n");
  EXPECT_EQ(find_region(environment()), "eu-west-1");
  variables_["AWS_PROFILE"] = "other";
  EXPECT_EQ(find_region(environment()), "ap-south-1");
  variables_["AWS_DEFAULT_REGION"] = "us-west-2";
  EXPECT_EQ(find_region(environment()), "us-west-2");
  variables_["AWS_REGION"] = "us-east-2";
  EXPECT_EQ(find_region(environment()), "us-east-2");
}

TEST(Settings, AreFoundInTheirSectionOnly) {
  constexpr std::string_view text = "stray = 1\n[a]\n  k = v = w \nnovalue\nempty =\n[b\nk = 2\n[c]k=3\n[d]\nk=4";
  EXPECT_EQ(find_setting(text, "a", "k"), "v = w");
  EXPECT_EQ(find_setting(text, "a", "empty"), std::nullopt);
  EXPECT_EQ(find_setting(text, "a", "novalue"), std::nullopt);
  EXPECT_EQ(find_setting(text, "a", "stray"), std::nullopt);
  EXPECT_EQ(find_setting(text, "b", "k"), std::nullopt);
  EXPECT_EQ(find_setting(text, "d", "k"), "4");
  EXPECT_EQ(find_setting("", "a", "k"), std::nullopt);
}

}  // namespace
}  // namespace storage::s3
