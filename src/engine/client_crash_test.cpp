// The daemon is killed after each of its steps, with the store in its worst moods. Whatever happened, the chain in the
// bucket is whole, holds what the database holds, and is never taken for somebody else's.
#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine {
namespace {

using base::Category;
using storage::MemoryStore;
using storage::Operation;
using storage::OperationKind;

enum class Mood : std::uint8_t { well, loses_answers, delivers_late };

class ClientCrash : public engine::testing::ClientTest, public ::testing::WithParamInterface<std::tuple<Mood, int>> {
 protected:
  [[nodiscard]] Mood mood() const { return std::get<0>(GetParam()); }
  [[nodiscard]] int steps() const { return std::get<1>(GetParam()); }
  void set_mood() {
    if (mood() == Mood::delivers_late) store_->pause();
    if (mood() == Mood::loses_answers) {
      store_->fail_next([](const Operation& o) { return o.kind == OperationKind::put; },
                        {Category::retry_later, "lost", {}}, 1, MemoryStore::FaultPoint::after);
    }
  }
  void expect_whole() {
    EXPECT_TRUE(run_until_stored());
    EXPECT_EQ(probe_.conflicts, 0U);
    EXPECT_NE(status_->state, ClientState::conflict);
  }
};

TEST_P(ClientCrash, DuringTheFirstImage) {
  start_app();
  commit(3);
  set_mood();
  start_client();
  for (int i = 0; i < steps(); ++i) step();
  kill_and_restart();
  commit();
  step();
  store_->resume();
  expect_whole();
}

TEST_P(ClientCrash, DuringAnIncrement) {
  start_app();
  commit(3);
  start_client();
  ASSERT_TRUE(run_until_stored());
  set_mood();
  commit();
  for (int i = 0; i < steps(); ++i) step();
  kill_and_restart();
  commit();
  step();
  store_->resume();
  expect_whole();
}

TEST_P(ClientCrash, TwiceWithACommitUndoneBetween) {
  start_app();
  app_->run("CREATE TABLE flip(v); INSERT INTO flip VALUES('A');");
  start_client();
  ASSERT_TRUE(run_until_stored());
  set_mood();
  app_->run("UPDATE flip SET v='B';");
  happens(FileEventKind::log_modified);
  for (int i = 0; i < steps(); ++i) step();
  kill_and_restart();
  app_->run("UPDATE flip SET v='A';");
  happens(FileEventKind::log_modified);
  step();
  kill_and_restart();
  step();
  store_->resume();
  expect_whole();
}

INSTANTIATE_TEST_SUITE_P(AfterEachStep, ClientCrash,
                         ::testing::Combine(::testing::Values(Mood::well, Mood::loses_answers, Mood::delivers_late),
                                            ::testing::Range(0, 6)));

}  // namespace
}  // namespace engine
