// An application and a daemon that do everything they can do, in an order that a seed decides. Now and then everything
// has to be in the bucket, page by page, and every restore point has to prove itself.
#include <csignal>
#include <random>

#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine {
namespace {

using base::Category;
using storage::MemoryStore;
using storage::Operation;
using storage::OperationKind;

class ClientStorm : public engine::testing::ClientTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  unsigned pick(unsigned count) { return std::uniform_int_distribution<unsigned>(0, count - 1)(random_); }

  // The watcher is in time for a new log, or it is not.
  void open_app() {
    start_app();
    FileEvent created{FileEventKind::log_created, stream_.next(), {}};
    if (pick(4) != 0) {
      created.opened.wal = engine::testing::open_file(database_.string() + "-wal");
      created.opened.shm = engine::testing::open_file(database_.string() + "-shm");
      created.opened.mark_before = stream_.mark();
      created.opened.mark = stream_.mark();
    }
    client_->post(std::move(created));
    happens(FileEventKind::log_modified);
  }
  void close_app() {
    if (pick(2) == 0) return end_app();
    // Killed in the middle of something.
    app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(30000));");
    ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
    app_->finish();
    app_.reset();
    happens(FileEventKind::index_closed);
  }
  void write(const std::string& sql) {
    app_->run(sql);
    happens(FileEventKind::log_modified);
    happens(FileEventKind::database_modified);
  }
  void use_app() {
    switch (pick(9)) {
      case 0:
        return write("PRAGMA wal_checkpoint(PASSIVE);");
      case 1:
        return write("PRAGMA wal_checkpoint(TRUNCATE);");
      case 2:
        return write("PRAGMA wal_checkpoint(RESTART); INSERT INTO t(b) VALUES('after');");
      case 3:
        return write("DELETE FROM t WHERE a % 3 = 0; VACUUM;");
      case 4:
        return write("UPDATE t SET b=randomblob(700) WHERE a % 2 = 0;");
      case 5:
        return write("BEGIN; INSERT INTO t(b) VALUES('undone'); ROLLBACK;");
      case 6:
        return commit(1, 40'000);
      default:
        return commit(static_cast<int>(pick(4)) + 1);
    }
  }
  void use_daemon() {
    switch (pick(8)) {
      case 0:
        return kill_and_restart();
      case 1:
        return happens(FileEventKind::events_lost);
      case 2:
        return happens(FileEventKind::checked);
      case 3:
        return clock_.advance(std::chrono::seconds(pick(120)));
      case 4:
        return store_->fail_next([](const Operation& o) { return o.kind == OperationKind::put; },
                                 {Category::retry_later, "lost", {}}, 1,
                                 pick(2) == 0 ? MemoryStore::FaultPoint::after : MemoryStore::FaultPoint::before);
      default:
        return step();
    }
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(ClientStorm, EndsInTheBucket) {
  options_.sync_interval = std::chrono::milliseconds(1);
  start_app();
  start_client();
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 6; ++i) {
      if (!app_) {
        open_app();
      } else if (pick(7) == 0) {
        close_app();
      } else {
        use_app();
      }
      for (unsigned more = pick(4); more > 0; --more) use_daemon();
    }
    ASSERT_TRUE(run_until([this] { return status_ && !status_->behind; })) << "round " << round;
    ASSERT_TRUE(run_until([this] { return status_->state == ClientState::idle && !status_->behind; }))
        << "seed " << GetParam() << ", round " << round << ": " << to_string(status_->state) << ' ' << status_->detail;
    ASSERT_TRUE(engine::testing::restored_pages(*store_) == engine::testing::committed_pages(database_))
        << "seed " << GetParam() << ", round " << round;
    ASSERT_EQ(probe_.conflicts, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ClientStorm, ::testing::Range(1U, 5U));

}  // namespace
}  // namespace engine
