// Looks at the logs of an application in another process.
#include "engine/look.h"

#include <csignal>

#include <gtest/gtest.h>

#include "engine/testing.h"
#include "os/file_lock.h"

namespace engine {
namespace {

using engine::testing::open_file;
using os::testing::SqliteShell;
using os::testing::TempDir;

class LookTest : public ::testing::Test {
 protected:
  LookTest() {
    app_ = std::make_unique<SqliteShell>(database_);
    app_->run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a); INSERT INTO t VALUES(1);");
    pair_.wal = open_file(log());
    pair_.shm = open_file(index());
  }
  [[nodiscard]] std::filesystem::path log() const { return database_.string() + "-wal"; }
  [[nodiscard]] std::filesystem::path index() const { return database_.string() + "-shm"; }
  [[nodiscard]] Look look(const Position& captured = {}, LookMode mode = LookMode::live) const {
    auto result = look_at(pair_, captured, mode);
    CHECK(result.has_value());
    return std::move(*result);
  }
  // A copy of a file, changed by the test, in place of the file itself.
  os::File changed(const std::filesystem::path& file, const std::function<void(std::string&)>& change) const {
    std::string bytes = os::testing::read_text(file);
    change(bytes);
    os::testing::write_text(dir_ / "changed", bytes);
    return open_file(dir_ / "changed");
  }

  TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  std::unique_ptr<SqliteShell> app_;
  Attachment pair_;
};

TEST_F(LookTest, BelievesAnIndexThatAnAttachedProcessVouchesFor) {
  const Look seen = look();
  EXPECT_EQ(seen.belief, IndexBelief::believed);
  EXPECT_TRUE(seen.settled);
  EXPECT_TRUE(seen.chain_from_start);
  EXPECT_FALSE(seen.chain_continues);
  EXPECT_EQ(seen.frames.commits, 2U);
  EXPECT_EQ(seen.header.change_counter, 2U);
  EXPECT_EQ(seen.wal_bytes, std::filesystem::file_size(log()));
}

TEST_F(LookTest, ReadsOnlyWhatIsBehindTheCapturedFrame) {
  const Position captured{PositionKind::log, look().frames.end};
  Look seen = look(captured);
  EXPECT_EQ(seen.frames.frames, 0U);
  EXPECT_TRUE(seen.settled);
  app_->run("INSERT INTO t VALUES(2);");
  seen = look(captured);
  EXPECT_TRUE(seen.chain_continues);
  EXPECT_FALSE(seen.chain_from_start);
  EXPECT_EQ(seen.frames.commits, 1U);
}

TEST_F(LookTest, ReadsARestartedLogFromItsStart) {
  const Position captured{PositionKind::log, look().frames.end};
  app_->run("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES(2);");
  const Look seen = look(captured);
  EXPECT_FALSE(seen.chain_continues);
  EXPECT_TRUE(seen.chain_from_start);
  EXPECT_EQ(seen.frames.commits, 1U);
  EXPECT_EQ(seen.header.change_counter, 3U);
}

TEST_F(LookTest, IsNotSettledWhileATransactionSpillsIntoTheLog) {
  app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t VALUES(randomblob(200000));");
  Look seen = look();
  EXPECT_EQ(seen.belief, IndexBelief::believed);
  EXPECT_FALSE(seen.settled);
  EXPECT_EQ(seen.frames.commits, 2U);
  EXPECT_TRUE(seen.chain_from_start);
  app_->run("COMMIT;");
  seen = look();
  EXPECT_TRUE(seen.settled);
  EXPECT_EQ(seen.frames.commits, 3U);
}

TEST_F(LookTest, IsSettledAgainOnceTheTransactionIsRolledBackThoughItsFramesStay) {
  app_->run("PRAGMA cache_size=2; BEGIN; INSERT INTO t VALUES(randomblob(200000)); ROLLBACK;");
  const Look seen = look();
  ASSERT_GT(seen.wal_bytes, wal::frame_offset(seen.header.max_frame + 2, seen.header.page_size));
  EXPECT_TRUE(seen.settled);
}

TEST_F(LookTest, AnEmptyLogIsSettledOnceItsFileIsEmptyToo) {
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  const Look seen = look();
  EXPECT_EQ(seen.belief, IndexBelief::believed);
  EXPECT_EQ(seen.header.max_frame, 0U);
  EXPECT_TRUE(seen.settled);
}

TEST_F(LookTest, TellsHowFarTheLogIsBackfilled) {
  app_->run("PRAGMA wal_checkpoint(PASSIVE);");
  const Look seen = look();
  EXPECT_EQ(seen.header.backfilled, seen.header.max_frame);
}

TEST_F(LookTest, AnIndexThatNobodyVouchesForIsNotBelieved) {
  ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
  app_->finish();
  EXPECT_EQ(look().belief, IndexBelief::not_vouched);
}

TEST_F(LookTest, AVoucherOfOurOwnKindDoesNotCount) {
  ASSERT_EQ(::kill(app_->pid(), SIGKILL), 0);
  app_->finish();
  const os::File other = open_file(index());
  const auto lock = os::SharedLock::try_lock(other, os::kShmDmsByte);
  ASSERT_TRUE(lock.has_value() && lock->has_value());
  EXPECT_EQ(look().belief, IndexBelief::not_vouched);
}

TEST_F(LookTest, TheFinalLookReadsWhatTheLastCloserLeft) {
  app_->run("INSERT INTO t VALUES(2); INSERT INTO t VALUES(3);");
  app_->finish();
  ASSERT_FALSE(std::filesystem::exists(log()));
  const Look seen = look({}, LookMode::final);
  EXPECT_EQ(seen.belief, IndexBelief::believed);
  EXPECT_TRUE(seen.chain_from_start);
  EXPECT_EQ(seen.frames.commits, 4U);
}

TEST_F(LookTest, AFrameThatDoesNotContinueTheChainIsSeen) {
  pair_.wal = changed(log(), [](std::string& bytes) { bytes[bytes.size() - 100] ^= 1; });
  const Look seen = look();
  EXPECT_EQ(seen.belief, IndexBelief::believed);
  EXPECT_FALSE(seen.chain_from_start);
}

TEST_F(LookTest, ALogHeaderThatLagsBehindTheIndexProvesNothing) {
  pair_.wal = changed(log(), [](std::string& bytes) { bytes[17] ^= 1; });
  EXPECT_FALSE(look().chain_from_start);
}

TEST_F(LookTest, ATornIndexIsUnsteady) {
  pair_.shm = changed(index(), [](std::string& bytes) { bytes[50] ^= 1; });
  EXPECT_EQ(look({}, LookMode::final).belief, IndexBelief::unsteady);
}

TEST_F(LookTest, AnIndexThatWasCutForItsRebuildIsUnsteady) {
  pair_.shm = changed(index(), [](std::string& bytes) { bytes.resize(3); });
  EXPECT_EQ(look({}, LookMode::final).belief, IndexBelief::unsteady);
}

}  // namespace
}  // namespace engine
