// What an operator changes while a client runs.
#include "engine/client_testing.h"

namespace engine::testing {
namespace {

using namespace std::chrono_literals;

class ClientPolicyTest : public ClientTest {
 protected:
  void give(ClientPolicy policy) { client_->post(std::make_shared<const ClientPolicy>(policy)); }
};

TEST_F(ClientPolicyTest, AShorterIntervalHoldsAtOnce) {
  options_.sync_interval = 24h;
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  commit();
  client_->step();
  ASSERT_TRUE(status_->behind);
  const auto before = clock_.steady_now();
  give({.sync_interval = 1s});
  ASSERT_TRUE(run_until_stored());
  EXPECT_LE(clock_.steady_now() - before, 1min) << "the upload did not wait for the interval that held before";
}

TEST_F(ClientPolicyTest, ALongerIntervalHoldsAtOnce) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  give({.sync_interval = 24h});
  const auto before = clock_.steady_now();
  commit();
  ASSERT_TRUE(run_until_stored());
  EXPECT_GE(clock_.steady_now() - before, 23h);
}

TEST_F(ClientPolicyTest, APausedClientStoresAndHoldsNothingAndMakesUpForItAfterwards) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto before = *status_;
  give({.sync_interval = 100ms, .paused = true});
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::paused; }));
  const auto operations = store_->operations().size();
  for (int i = 0; i < 5; ++i) {
    commit(3);
    end_app();  // its log is deleted, another one begins
    happens(FileEventKind::log_created);
    start_app();
    happens(FileEventKind::log_modified);
    while (client_->step()) clock_.advance(1min);
  }
  EXPECT_EQ(store_->operations().size(), operations);
  EXPECT_FALSE(status_->detail.empty());
  give({.sync_interval = 100ms});
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, before.txid + 1);
  EXPECT_EQ(status_->diffs, before.diffs + 1) << "nobody watched: the database is compared";
  commit(2);
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->diffs, before.diffs + 1);
}

TEST_F(ClientPolicyTest, WhatWasCapturedBeforeAPauseIsStored) {
  options_.sync_interval = 24h;
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  commit();
  client_->step();
  ASSERT_TRUE(status_->behind);
  const auto committed = committed_pages(database_);
  give({.sync_interval = 24h, .paused = true});
  ASSERT_TRUE(run_until([&] { return !status_->behind; }));
  EXPECT_EQ(status_->state, ClientState::paused);
  EXPECT_EQ(restored_pages(*store_), committed);
}

TEST_F(ClientPolicyTest, AClientThatIsPausedFromItsStartAsksTheBucketNothing) {
  options_.paused = true;
  start_app();
  commit(2);
  start_client();
  while (client_->step()) clock_.advance(1min);
  EXPECT_EQ(status_->state, ClientState::paused);
  EXPECT_EQ(store_->operations().size(), 0U);
  give({.sync_interval = 100ms});
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientPolicyTest, APauseInTheMiddleOfAnImageLeavesNoPartOfIt) {
  start_app();
  commit(200, 4000);
  start_client();
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::imaging; }));
  give({.sync_interval = 100ms, .paused = true});
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::paused && !status_->behind; }));
  commit(50, 4000);
  while (client_->step()) clock_.advance(1min);
  give({.sync_interval = 100ms});
  EXPECT_TRUE(run_until_stored());
}

TEST_F(ClientPolicyTest, AStopDoesNotWaitForAPausedClient) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  give({.sync_interval = 100ms, .paused = true});
  commit();
  client_->post(Command::flush);
  EXPECT_TRUE(run_until([&] { return client_->flushed(); }));
}

}  // namespace
}  // namespace engine::testing
