// The command over a bucket in a directory. What restoring itself must do is tested in engine.
#include "cli/restore_command.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kReplica = "databases/0a1b2c3d-0000-4000-8000-00000000000f";

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class RestoreCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "restore-command-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directories(folder_ / "bucket" / kReplica);
    fs::create_directories(folder_ / "out");
    request_.store.bucket = "file://" + (folder_ / "bucket").string();
    request_.replica = kReplica;
    request_.output = folder_ / "out" / "restored.db";
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A backup of four transactions, made by the reference implementation.
  void store_backup() const {
    fs::copy(fs::path(LM_TEST_DATA_DIR) / "ltx/block-litestream", folder_ / "bucket" / kReplica / "ltx",
             fs::copy_options::recursive);
  }
  ExitCode run() {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const ExitCode code = run_restore(request_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }
  std::size_t files_in_output_folder() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()));
  }

  fs::path folder_;
  RestoreRequest request_;
  std::string out_, err_;
};

TEST_F(RestoreCommand, WritesTheNewestStateAndReportsIt) {
  store_backup();
  ASSERT_EQ(run(), ExitCode::done) << err_;
  EXPECT_EQ(content(request_.output), content(fs::path(LM_TEST_DATA_DIR) / "ltx/states/state4.db"));
  EXPECT_THAT(out_, HasSubstr("TXID 0000000000000004"));
  EXPECT_THAT(out_, HasSubstr("quick check passed"));
  EXPECT_EQ(files_in_output_folder(), 1U);
}

TEST_F(RestoreCommand, KeepsAnExistingFileUnlessForced) {
  store_backup();
  std::ofstream(request_.output) << "precious";
  EXPECT_EQ(run(), ExitCode::conflict);
  EXPECT_EQ(content(request_.output), "precious");
  EXPECT_THAT(out_, IsEmpty());
  request_.force = true;
  EXPECT_EQ(run(), ExitCode::done) << err_;
  EXPECT_EQ(content(request_.output), content(fs::path(LM_TEST_DATA_DIR) / "ltx/states/state4.db"));
}

TEST_F(RestoreCommand, SaysThatThereIsNoSuchBackup) {
  EXPECT_EQ(run(), ExitCode::not_found);
  EXPECT_THAT(err_, HasSubstr("litestream-manager: restore: "));
  EXPECT_EQ(files_in_output_folder(), 0U);
}

TEST_F(RestoreCommand, DamagedBackupFailsVerificationAndLeavesNothing) {
  store_backup();
  const fs::path newest = folder_ / "bucket" / kReplica / "ltx/0/0000000000000004-0000000000000004.ltx";
  std::string bytes = content(newest);
  bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(newest, std::ios::binary | std::ios::trunc) << bytes;
  fs::remove_all(folder_ / "bucket" / kReplica / "ltx/2");
  fs::remove_all(folder_ / "bucket" / kReplica / "ltx/1");
  EXPECT_EQ(run(), ExitCode::verification_failed) << err_;
  EXPECT_EQ(files_in_output_folder(), 0U);
}

TEST_F(RestoreCommand, BadBucketIsWrongUsage) {
  request_.store.bucket = "s3://";
  EXPECT_EQ(run(), ExitCode::wrong_usage);
}

}  // namespace
}  // namespace cli
