// Checkpoints of the application, in every mode: while the daemon follows, while it is idle, while it is not there.
#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine {
namespace {

class ClientCheckpoints : public engine::testing::ClientTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void checkpoint() {
    app_->run(std::string("PRAGMA wal_checkpoint(") + GetParam() + ");");
    happens(FileEventKind::database_modified);
    happens(FileEventKind::log_modified);
  }
  [[nodiscard]] std::size_t stored_bytes() const {
    std::size_t bytes = 0;
    for (const std::string& key : store_->keys()) bytes += store_->peek(key)->size();
    return bytes;
  }
};

TEST_P(ClientCheckpoints, CostTheBucketNoMoreThanWhatWasCommitted) {
  start_app();
  commit(50, 4000);
  checkpoint();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::size_t image = stored_bytes();
  for (int i = 0; i < 10; ++i) {
    commit(1, 10);
    if (i % 2 == 0) {
      ASSERT_TRUE(run_until_stored()) << i;
    }  // else the checkpoint comes first, and the log starts again unseen
    checkpoint();
    ASSERT_TRUE(run_until_stored()) << i;
  }
  EXPECT_EQ(probe_.images, 1U);
  EXPECT_LT(stored_bytes() - image, image / 2) << "10 times two pages or so, not 10 times the database";
}

TEST_P(ClientCheckpoints, OfAnIdleDatabaseMakeNoObject) {
  start_app();
  commit(20);
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto keys = store_->keys();
  for (int i = 0; i < 15; ++i) {
    checkpoint();
    client_->step();
    ASSERT_TRUE(run_until_stored()) << i;
  }
  EXPECT_EQ(store_->keys(), keys);
  commit();
  EXPECT_TRUE(run_until_stored());
}

// The log's last captured frame may still stand in the file as it was, with one known older generation behind it: no
// sign but the salts says that 50 commits were there in between.
TEST_P(ClientCheckpoints, WhileTheDaemonIsDownHideNothing) {
  for (const int restarts : {1, 2}) {
    if (app_) end_app();
    start_app();
    app_->run("PRAGMA wal_autocheckpoint=0;");
    commit(32);
    if (restarts == 1) {
      start_client();
    } else {
      kill_and_restart();
    }
    ASSERT_TRUE(run_until_stored());
    client_ = nullptr;
    for (int i = 0; i < restarts; ++i) {
      commit(50);
      checkpoint();
    }
    commit(3);
    kill_and_restart();
    EXPECT_TRUE(run_until_stored()) << restarts;
    EXPECT_EQ(app_->ask("SELECT count(*) FROM t;"), std::to_string(restarts * 35 + restarts * (restarts + 1) / 2 * 50));
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, ClientCheckpoints, ::testing::Values("PASSIVE", "FULL", "RESTART", "TRUNCATE"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace engine
